/**
 * Drains a connection to NATS with a deadline; the client library itself waits forever while the server is unavailable.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '@deed/telemetry/logger'

const DRAIN_MS_MAX = 10_000

/** Waits until the server has received everything, for at most ten seconds: it may never return. Never throws. */
export async function drainWithin(draining: Promise<unknown>, log: Log): Promise<void> {
  const late = new AbortController()
  const timeout = sleep(DRAIN_MS_MAX, undefined, { signal: late.signal }).then(() => {
    throw new Error(`NATS did not answer within ${DRAIN_MS_MAX} ms`)
  })
  try {
    await Promise.race([draining, timeout])
  } catch (error) {
    log.warn({ err: error }, 'draining the connection to NATS failed')
  } finally {
    late.abort()
    await timeout.catch(() => undefined)
  }
}
