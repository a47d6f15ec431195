/**
 * The database's clock, without a query for each reading: leases and expiries use one clock, whatever host a replica
 * runs on.
 */
import type { Database } from './schema.ts'

export interface Clock {
  /** Milliseconds since 1970, by the database. */
  now(): number
  /** Queries the database's clock again. */
  synchronise(): Promise<void>
  /** Applies a time from a database reply. */
  set(databaseMs: number, askedAt: number): void
}

const ROUND_TRIP_MS_MAX = 2
const AGE_MS_MAX = 30_000

export function clockOf(db: Database): Clock {
  let offset = 0
  let takenAt = Number.NEGATIVE_INFINITY
  const set = (databaseMs: number, askedAt: number): void => {
    const now = performance.now()
    // An answer after a long round trip says little about the time when it was given.
    if (now - askedAt > ROUND_TRIP_MS_MAX && now - takenAt < AGE_MS_MAX) return
    offset = databaseMs - (askedAt + now) / 2
    takenAt = now
  }
  return {
    now: () => Math.round(performance.now() + offset),
    set,
    async synchronise() {
      const askedAt = performance.now()
      const [row] = await db.query<{ ms: number }>(
        'orchestrator.clock',
        `select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms`,
        [],
      )
      if (row) set(row.ms, askedAt)
    },
  }
}
