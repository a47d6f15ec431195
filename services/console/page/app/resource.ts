/** Data of the mesh on the page: loaded, loaded again when something happens, and shown until the next answer is there. */
import { useEffect, useMemo } from 'preact/hooks'
import { live } from './connection.ts'
import type { ExecutionEvent } from './live.ts'
import { createResource, type Resource, type ResourceState } from './resource-state.ts'

export interface ResourceOptions {
  /** Reload on these events; at once, and then at most once in `pauseMs`. */
  on?: ((event: ExecutionEvent) => boolean) | undefined
  /** Reload on what happens in the organization. */
  organization?: boolean | undefined
  pauseMs?: number
  /** Reload after this time as well, in milliseconds, for what no event reports. */
  everyMs?: number | undefined
  /** Reload too while nobody sees the tab. */
  unseen?: boolean | undefined
}

const PAUSE_MS = 1_000

/**
 * @param key names what is loaded: with another key the former value is dropped
 * @param load is given a signal that is aborted when the answer is not needed any longer
 */
export function useResource<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  { pauseMs = PAUSE_MS, ...when }: ResourceOptions = {},
): ResourceState<T> & Pick<Resource<T>, 'reload'> {
  // The key stands for what `load` reads.
  const resource = useMemo(() => createResource(load, { pauseMs }), [key])
  useEffect(() => {
    resource.reload()
    const stop = onChange(when, resource.reload)
    return () => {
      stop()
      resource.close()
    }
  }, [resource])
  return { ...resource.state.value, reload: resource.reload }
}

/**
 * Calls when something may have changed: an event, missed events, the time. A tab that nobody sees waits until it is seen, but for `unseen`.
 *
 * @returns the function that stops it
 */
export function onChange(
  { on, organization, everyMs, unseen = false }: Omit<ResourceOptions, 'pauseMs'>,
  reload: () => void,
): () => void {
  let changed = false
  const change = (): void => {
    if (document.hidden && !unseen) changed = true
    else reload()
  }
  const onVisible = (): void => {
    if (document.hidden || !changed) return
    changed = false
    reload()
  }
  const stop = live.listen({
    events: (events) => on && events.some(on) && change(),
    missed: change,
    ...(organization ? { organization: change } : {}),
  })
  const timer = everyMs === undefined ? undefined : setInterval(change, everyMs)
  document.addEventListener('visibilitychange', onVisible)
  return () => {
    stop()
    clearInterval(timer)
    document.removeEventListener('visibilitychange', onVisible)
  }
}
