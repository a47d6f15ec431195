/** Statistics of executions over time: the sums that are kept by period, and what is not among them yet. */
import type { executionHistory as contract } from '@deed/proto/execution-history'
import type { z } from 'zod'
import { isoTime } from '../execution/iso-time.ts'
import { endsOf, MEASURES } from './ends.ts'
import { OPEN_MEASURES } from './held-counts.ts'
import type { Database } from './schema.ts'
import { statsOf } from './statistics.ts'

const HISTORY = `
with bounds as (
  select date_trunc($2, now(), 'UTC') - make_interval(mins => case $2 when 'minute' then $3::int - 1 else 0 end,
    hours => case $2 when 'hour' then $3::int - 1 else 0 end, days => case $2 when 'day' then $3::int - 1 else 0 end,
    months => case $2 when 'month' then $3::int - 1 else 0 end) as first
), active as materialized (
  select * from executions where not followed_up and not held and tenant = $1 and created_at >= (select first from bounds)
), counted as (
  select start, measure, value from counts
   where period = $2 and tenant = $1 and start >= (select first from bounds)
  union all
  select start, measure, value from held_counts
   where period = $2 and tenant = $1 and start >= (select first from bounds)
  union all
  select date_trunc($2, o.start, 'UTC'), m.measure, m.value from held_changes o cross join lateral ${OPEN_MEASURES}
   where o.tenant = $1 and o.start >= (select first from bounds)
  union all
  select date_trunc($2, e.created_at, 'UTC'), m.measure, m.value
    from (${endsOf('(select * from active where finished_at is not null)')}) e cross join lateral ${MEASURES}
  union all
  select date_trunc($2, o.created_at, 'UTC'), m.measure, m.value
    from (select *, 1 as n, tokens_used as tokens from active where finished_at is null) o cross join lateral ${OPEN_MEASURES}
), summed as (
  select start, measure, sum(value)::float8 as value from counted
   where measure is not null group by 1, 2 having sum(value) <> 0
)
select (extract(epoch from now()) * 1000)::float8 as now, (select coalesce(jsonb_agg(jsonb_build_object(
  'start', (extract(epoch from start) * 1000)::float8, 'measures', measures) order by start), '[]') from (
    select start, jsonb_object_agg(measure, value) as measures from summed group by start) p) as points`

type History = z.output<typeof contract.output>

/** @param points the number of periods, up to the current one */
export async function readHistory(
  db: Database,
  tenant: string,
  { period, points }: z.output<typeof contract.input>,
): Promise<History> {
  const [row] = await db.query<{ now: number; points: { start: number; measures: Record<string, number> }[] }>(
    'orchestrator.history',
    HISTORY,
    [tenant, period, points],
  )
  if (!row) throw new Error('PostgreSQL returned no row for a select without a table')
  return {
    now: isoTime(row.now),
    points: row.points.map(({ start, measures }) => ({
      ...statsOf(new Map(Object.entries(measures))),
      start: isoTime(start),
    })),
  }
}
