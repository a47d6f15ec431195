/** Queries to a PostgreSQL that may be slow or away: each has a bound, and after a failure there is a pause. */
import type { Log } from '@deed/telemetry/logger'

/** After a failure PostgreSQL is not queried for this long. */
const PAUSE_MS = 1_000

/** @returns undefined if PostgreSQL does not answer in time, or has failed recently */
export type InTime = <T>(query: () => Promise<T>, msMax: number) => Promise<T | undefined>

export function queriesInTime(log: Log): InTime {
  let pausedUntil = 0
  return async (query, msMax) => {
    if (performance.now() < pausedUntil) return undefined
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => late.reject(new Error(`PostgreSQL did not answer within ${msMax} ms`)), msMax)
    try {
      return await Promise.race([query(), late.promise])
    } catch (error) {
      pausedUntil = performance.now() + PAUSE_MS
      log.warn({ err: error }, 'continuing without PostgreSQL')
      return undefined
    } finally {
      clearTimeout(timer)
    }
  }
}
