/** A list that changes while it is on the page: the newest are read again, older ones as it is scrolled. */
import { useEffect, useMemo, useState } from 'preact/hooks'
import { live } from './connection.ts'
import type { ExecutionEvent } from './live.ts'
import { HEAD_ROWS, rereadPause } from './reread-pause.ts'
import { onChange } from './resource.ts'
import { createResource, type ResourceState } from './resource-state.ts'

const PAGE_ROWS = 200
const EVERY_MS = 60_000
/** Pages without a single match are passed over, as many as this for one scroll to the end. */
const EMPTY_PAGES_MAX = 25

interface Rows {
  readonly rows: readonly unknown[]
  /** Where the next page begins; null: all are here. */
  readonly cursor: string | null
}

export interface Source<R extends Rows, Page> {
  readonly read: (limit: number, cursor: NonNullable<R['cursor']> | undefined, signal: AbortSignal) => Promise<Page>
  readonly keyOf: (row: R['rows'][number]) => string
  readonly withHead: (known: R, page: Page) => R
  readonly withPage: (known: R, page: Page) => R
  /** The same value where nothing changes. */
  readonly withEvents: (known: R, events: readonly ExecutionEvent[]) => R
  /** Events of tasks are among them. */
  readonly tasks?: boolean
  /** Whether the newest are read again. */
  readonly on: (event: ExecutionEvent) => boolean
}

export interface Listing<R> extends ResourceState<R> {
  reload(): void
  /** Reads the next page; undefined if all rows are here. */
  readonly more: (() => void) | undefined
  readonly reading: boolean
}

/** @param key names the list: with another key it begins again */
export function useLiveRows<R extends Rows, Page>(key: string, empty: R, source: Source<R, Page>): Listing<R> {
  const [reading, setReading] = useState(false)
  const [error, setError] = useState<Error>()
  const list = useMemo(() => {
    let known = empty
    let pauseMs = rereadPause([], [])
    let readKeys: string[] = []
    let running = false
    let meanwhile: ExecutionEvent[] = []
    const headKeys = ({ rows }: R): string[] => rows.slice(0, HEAD_ROWS).map(source.keyOf)
    const ended = new AbortController()
    const { signal } = ended
    const head = createResource(
      async () => {
        meanwhile = []
        const page = await source.read(HEAD_ROWS, undefined, signal)
        // What happened since it was asked may not be in it.
        known = source.withEvents(source.withHead(known, page), meanwhile)
        const keys = headKeys(known)
        pauseMs = rereadPause(readKeys, keys)
        readKeys = keys
        return known
      },
      { pauseMs: () => pauseMs },
    )
    const more = async (): Promise<void> => {
      if (running || known.cursor === null) return
      running = true
      setReading(true)
      setError(undefined)
      try {
        const before = known.rows.length
        for (let pages = 0; pages < EMPTY_PAGES_MAX && known.rows.length === before; pages++) {
          const cursor: R['cursor'] = known.cursor
          if (cursor === null) break
          const page = await source.read(PAGE_ROWS, cursor, signal)
          // Meanwhile the newest may have been read again, and the pages do not meet any longer.
          if (known.cursor !== cursor) break
          known = source.withPage(known, page)
        }
        head.put(known)
      } catch (cause) {
        if (!signal.aborted) setError(cause instanceof Error ? cause : new Error(String(cause)))
      } finally {
        running = false
        if (!signal.aborted) setReading(false)
      }
    }
    return {
      head,
      more: () => void more(),
      take(events: readonly ExecutionEvent[]): void {
        if (head.state.value.loading) meanwhile.push(...events)
        // Nothing is there yet that they could be beside.
        if (head.state.value.value === undefined) return
        const after = source.withEvents(known, events)
        if (after === known) return
        known = after
        head.put(known)
      },
      close() {
        ended.abort()
        head.close()
      },
    }
  }, [key])
  useEffect(() => {
    list.head.reload()
    const stopEvents = live.listen({ events: list.take, tasks: source.tasks ?? false })
    const stop = onChange({ on: source.on, everyMs: EVERY_MS }, list.head.reload)
    return () => {
      stopEvents()
      stop()
      list.close()
    }
  }, [list])
  const state = list.head.state.value
  return {
    ...state,
    error: state.error ?? error,
    reload: list.head.reload,
    reading,
    more: state.value && state.value.cursor !== null ? list.more : undefined,
  }
}
