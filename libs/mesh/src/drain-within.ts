/** Draining a connection to NATS, which the client library itself never gives up while the server is away. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '@deed/telemetry/logger'

const DRAIN_MS_MAX = 10_000

/** Waits until the server has received everything, for ten seconds at most: it may be gone for good. Never throws. */
export async function drainWithin(draining: Promise<unknown>, log: Log): Promise<void> {
  const late = new AbortController()
  const timeout = sleep(DRAIN_MS_MAX, undefined, { signal: late.signal }).then(() => {
    throw new Error(`NATS did not answer within ${DRAIN_MS_MAX} ms`)
  })
  try {
    await Promise.race([draining, timeout])
  } catch (error) {
    log.warn({ err: error }, 'the connection to NATS was not drained')
  } finally {
    late.abort()
    await timeout.catch(() => undefined)
  }
}
