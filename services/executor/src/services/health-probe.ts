/** How a service answers on its health probe, and whether it is the service that answers. */
import type { Target } from '@deed/config/targets'
import { guardedRequest } from '../http/guarded-request.ts'
import { type Listener, listenerAt, textOf } from '../processes/listeners.ts'
import type { Health } from './service-provider.ts'

export type HealthTarget = NonNullable<Extract<Target, { type: 'process' }>['health']>

/** @param pids of the service's processes */
export async function probe(
  { url, status, timeout_ms }: HealthTarget,
  pids: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<Health> {
  let answered: number
  try {
    // The address is in the configuration, so it may be a local one.
    const answer = await guardedRequest({
      method: 'GET',
      url,
      headers: {},
      trustedOrigin: new URL(url).origin,
      timeoutMs: timeout_ms,
      signal,
    })
    answered = answer.status
  } catch (error) {
    return { ok: false, text: `its health probe failed: ${(error as Error).message}` }
  }
  const text = `its health probe answered ${answered}`
  const listener = await listenerAt(url, pids)
  if (listener?.of === 'others') return { ok: false, text: `${text}, but ${textOf(url, listener)}` }
  if (answered !== status) return { ok: false, text }
  if (listener?.of === 'service') return { ok: true, text, pid: listener.pid }
  return { ok: undefined, text: `${text}, but it cannot be seen who listens there: ${whyUnseen(listener)}` }
}

const whyUnseen = (listener: Exclude<Listener, { of: 'service' | 'others' }> | undefined) =>
  listener?.why ?? 'no process of this host does any more'
