/** When the next task may begin on a target, for all replicas together. */
import type { Database } from './schema.ts'

export interface Rate {
  per_minute: number
  /** How many may begin at once after a pause. */
  burst: number
}

/**
 * Reserves the next turn on a target by the database's clock; an unused turn is lost.
 *
 * @returns the time until it may be used, in milliseconds
 * @see the generic cell rate algorithm, ITU-T I.371
 */
export async function reserveTurn(db: Database, target: string, { per_minute, burst }: Rate): Promise<number> {
  const intervalMs = 60_000 / per_minute
  const [row] = await db.query<{ wait_ms: number }>(
    'orchestrator.reserve_turn',
    `insert into rate_limits as r (target, arrival)
     values ($1, clock_timestamp() + make_interval(secs => $2::float8 / 1000))
     on conflict (target) do update
       set arrival = greatest(r.arrival, clock_timestamp()) + make_interval(secs => $2::float8 / 1000)
     returning greatest(0, extract(epoch from
       arrival - make_interval(secs => $2::float8 / 1000) - clock_timestamp()) * 1000 - $3::float8)::float8 as wait_ms`,
    [target, intervalMs, (burst - 1) * intervalMs],
  )
  return row?.wait_ms ?? 0
}
