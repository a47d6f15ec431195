/** Statistics of the executions: sums that are kept as executions end, or wait for a person; and the others, which run. */
import type { ExecutionStats } from '@deed/proto/execution'
import { lowestIdAt } from '../execution/execution-id.ts'
import { isoTime } from '../execution/iso-time.ts'
import { BUCKETS_PER_E, endsOf, MEASURES } from './ends.ts'
import { OPEN_MEASURES } from './held-counts.ts'
import type { Database } from './schema.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
/** Sums by the minute, and by the hour, are kept for this long. */
const MINUTES_KEPT_MS = 2 * DAY_MS
const HOURS_KEPT_MS = 60 * DAY_MS
/** Nothing that is read is removed between the reading of the clock and that of the sums. */
const SLACK_MS = HOUR_MS
const LAST = '9999-01-01T00:00:00.000Z'

const statisticsOf = (of: string): string => `
with active as (
  select status, method, template_used, case when finished_at is not null then execution_id end as ended,
         count(*) as n, sum(tokens_used)::bigint as tokens, sum(cost_microusd)::bigint as cost_microusd
    from executions where not followed_up and not held and ${of} and execution_id >= $2
   group by 1, 2, 3, 4
), just_ended as (
  select x.* from active cross join lateral (select * from executions where execution_id = active.ended offset 0) x
), counted as (
  select c.measure, c.value from unnest($3::text[], $4::timestamptz[], $5::timestamptz[]) as r(period, first, next)
   cross join lateral (
     (select measure, value from counts where period = r.period and ${of} and start >= r.first and start < r.next offset 0)
     union all
     (select measure, value from held_counts where period = r.period and ${of} and start >= r.first and start < r.next offset 0)) c
  union all select m.measure, m.value from held_changes o cross join lateral ${OPEN_MEASURES} where ${of} and o.start >= $6
  union all select m.measure, m.value from (${endsOf('just_ended')}) e cross join lateral ${MEASURES}
  union all select m.measure, m.value from active o cross join lateral ${OPEN_MEASURES} where o.ended is null
)
select measure, sum(value)::float8 as value from counted where measure is not null group by 1 having sum(value) <> 0`

const OF_TENANT = statisticsOf('tenant = $1')
const OF_ALL = statisticsOf('$1::text is null')

/**
 * @param tenant undefined for all tenants
 * @param since an ISO 8601 time, rounded down to the minute; older than two days to the hour, older than two months to
 *   the day
 */
export async function readStatistics(db: Database, tenant?: string, since?: string): Promise<ExecutionStats> {
  const from = since === undefined ? 0 : roundedDown(Date.parse(since), Date.now())
  const ranges = rangesFrom(from)
  const rows = await db.query<{ measure: string; value: number }>(
    `orchestrator.statistics${tenant === undefined ? '_all' : ''}`,
    tenant === undefined ? OF_ALL : OF_TENANT,
    [
      tenant ?? null,
      lowestIdAt(from),
      ranges.map(({ period }) => period),
      ranges.map(({ first }) => first),
      ranges.map(({ next }) => next),
      isoTime(from),
    ],
  )
  return statsOf(new Map(rows.map(({ measure, value }) => [measure, value])))
}

function roundedDown(ms: number, now: number): number {
  const kept =
    ms > now - MINUTES_KEPT_MS + SLACK_MS ? MINUTE_MS : ms > now - HOURS_KEPT_MS + SLACK_MS ? HOUR_MS : DAY_MS
  return Math.floor(Math.min(Math.max(0, ms), now + DAY_MS) / kept) * kept
}

/** Minutes to the next full hour, hours to the next day, days to the next month, and months. */
function rangesFrom(ms: number): { period: string; first: string; next: string }[] {
  const hour = Math.ceil(ms / HOUR_MS) * HOUR_MS
  const day = Math.ceil(hour / DAY_MS) * DAY_MS
  const date = new Date(day)
  const month = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + (date.getUTCDate() > 1 ? 1 : 0))
  return [
    { period: 'minute', first: isoTime(ms), next: isoTime(hour) },
    { period: 'hour', first: isoTime(hour), next: isoTime(day) },
    { period: 'day', first: isoTime(day), next: isoTime(month) },
    { period: 'month', first: isoTime(month), next: LAST },
  ]
}

export function statsOf(measures: ReadonlyMap<string, number>): ExecutionStats {
  const sum = (name: string): number => measures.get(name) ?? 0
  const group = (prefix: string): Record<string, number> =>
    Object.fromEntries(
      [...measures].flatMap(([name, value]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [])),
    )
  const byStatus = group('status:')
  const total = Object.values(byStatus).reduce((all, n) => all + n, 0)
  const ended = total - sum('running')
  const counts = {
    ...{ open: sum('running'), verified: sum('success'), unverified: sum('unverified') },
    ...{ false_success: sum('false_success'), duplicate_effect: sum('duplicate_effect'), cache_hit: sum('cache_hit') },
    rollback_failed: byStatus.rollback_failed ?? 0,
  }
  const rate = (part: number, whole: number): number | null => (whole > 0 ? part / whole : null)
  const { rolled_back: undone = 0, rollback_failed: failed = 0 } = byStatus
  const durations = Object.entries(group('duration:'))
    .map(([bucket, n]) => ({ bucket: Number(bucket), n }))
    .sort((a, b) => a.bucket - b.bucket)
  return {
    running: sum('running'),
    total,
    by_status: byStatus,
    by_method: group('method:'),
    templates: group('template:'),
    counts,
    success_rate: rate(counts.verified, ended),
    verification_rate: rate(sum('acts_verified'), sum('acts')),
    rollback_rate: rate(undone, undone + failed),
    cache_hit_rate: rate(counts.cache_hit, ended),
    average_ms: rate(sum('ms'), ended),
    p50_ms: quantile(durations, 0.5),
    p95_ms: quantile(durations, 0.95),
    p99_ms: quantile(durations, 0.99),
    tokens_used: sum('tokens'),
    cost_usd: sum('cost_microusd') / 1_000_000,
    cost_by_method: Object.fromEntries(
      Object.entries(group('cost:')).map(([method, microusd]) => [method, microusd / 1_000_000]),
    ),
  }
}

/** @returns the middle of the bucket, at most 2 % from every duration in it */
function quantile(durations: readonly { bucket: number; n: number }[], part: number): number | null {
  let left = part * durations.reduce((all, { n }) => all + n, 0)
  for (const { bucket, n } of durations) {
    left -= n
    if (left <= 0) return Math.max(0, Math.exp((bucket - 0.5) / BUCKETS_PER_E) - 1)
  }
  return null
}

/** Deletes sums that are too old to be read, and those over nothing. */
export async function pruneCounts(db: Database, now: number): Promise<void> {
  const ofAge = `(period = 'minute' and start < $1) or (period = 'hour' and start < $2)`
  await db.query(
    'orchestrator.prune_counts',
    `with held as (delete from held_counts where ${ofAge} or value = 0) delete from counts where ${ofAge}`,
    [isoTime(now - MINUTES_KEPT_MS), isoTime(now - HOURS_KEPT_MS)],
  )
}
