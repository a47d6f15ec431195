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

export function clockOf(db: Database): Clock {
  let offset: number | undefined
  // The database read its clock at some moment between the question and the answer, however long they took.
  const set = (databaseMs: number, askedAt: number): void => {
    const least = databaseMs - performance.now()
    const most = databaseMs - askedAt
    offset = offset === undefined ? (least + most) / 2 : Math.min(Math.max(offset, least), most)
  }
  return {
    now: () => Math.round(performance.now() + (offset ?? 0)),
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
