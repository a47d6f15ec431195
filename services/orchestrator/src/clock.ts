/** The database's clock, without asking it each time: leases and expiries are judged by one clock, whatever host a replica runs on. */
import type { Database } from './store/schema.ts'

export interface Clock {
  /** Milliseconds since 1970, by the database. */
  now(): number
  /** Asks the database again. */
  synchronise(): Promise<void>
  /** Takes a time that the database has just told. */
  set(databaseMs: number, askedAt: number): void
}

export function clockOf(db: Database): Clock {
  let offset = 0
  const set = (databaseMs: number, askedAt: number): void => {
    offset = databaseMs - (askedAt + performance.now()) / 2
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
