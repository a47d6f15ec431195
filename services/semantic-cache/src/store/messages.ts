/**
 * Messages between replicas through PostgreSQL, sent in the transaction of the change.
 *
 * A lost connection loses messages: the listener reports it, and resynchronises when the connection is back.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'

export const CHANNEL = 'semantic_cache'
const RECONNECT_WAITS_MS = [100, 250, 500, 1_000, 2_000, 5_000]

/** put: stored or replaced. free: lease released. drop: invalidated. clear: all entries of the tenant invalidated. */
export type Message =
  | { readonly type: 'put'; readonly tenant: string; readonly hash: string; readonly bytes: number }
  | { readonly type: 'free' | 'drop'; readonly tenant: string; readonly hash: string }
  | { readonly type: 'clear'; readonly tenant: string }

export interface Listener {
  onMessage(message: Message): void
  /** Called when the subscription is active; earlier changes are read from the tables. */
  onHearing(): Promise<void>
  onLost(): void
}

/** @param origin identifies this process, whose own messages are ignored */
export function listen(
  store: Pick<Store<unknown>, 'pool'>,
  origin: string,
  listener: Listener,
  log: Log,
): AsyncDisposable {
  const stop = new AbortController()
  const { signal } = stop

  const hear = async (): Promise<void> => {
    const client = await store.pool.connect()
    const lost = Promise.withResolvers<void>()
    const end = (): void => lost.resolve()
    const onNotification = ({ payload = '' }: { payload?: string | undefined }): void => {
      const message = parseMessage(payload, origin)
      if (message) listener.onMessage(message)
    }
    client.on('error', end)
    client.on('end', end)
    client.on('notification', onNotification)
    signal.addEventListener('abort', end)
    try {
      await client.query(`listen ${CHANNEL}`)
      await listener.onHearing()
      await lost.promise
    } finally {
      signal.removeEventListener('abort', end)
      // Never returned to the pool, where it would keep listening.
      client.release(true)
    }
  }

  const run = async (): Promise<void> => {
    for (let attempt = 0; !signal.aborted; attempt++) {
      const started = performance.now()
      try {
        await hear()
      } catch (error) {
        if (!signal.aborted && attempt === 0)
          log.warn({ err: error }, 'listening for messages of other replicas failed')
      }
      listener.onLost()
      if (performance.now() - started > 10_000) attempt = 0
      const wait = RECONNECT_WAITS_MS[Math.min(attempt, RECONNECT_WAITS_MS.length - 1)]
      await sleep(wait, undefined, { signal }).catch(() => undefined)
    }
  }
  const running = run()

  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
    },
  }
}

/** `<type> <origin> <tenant> [<hash> [<bytes>]]`; anything else belongs to another application. */
function parseMessage(payload: string, own: string): Message | undefined {
  const [type, origin, tenant = '', hash = '', bytes] = payload.split(' ')
  if (origin === own || tenant === '') return undefined
  if (type === 'clear') return { type, tenant }
  if (hash === '') return undefined
  if (type === 'put') return { type, tenant, hash, bytes: Number(bytes) || 0 }
  return type === 'free' || type === 'drop' ? { type, tenant, hash } : undefined
}
