// Sums that are kept as executions end, against a count of the executions themselves.
import { COUNTED, type ExecutionStats } from '@deed/proto/execution'
import { EXECUTION_STATUSES, Method } from '@deed/proto/states'
import { type TestDatabase, testDatabase } from '@deed/store/test-database'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { draftOf, record } from '../execution/draft.ts'
import { admissionOf, newExecution } from '../execution/new-execution.ts'
import type { ExecutionRow } from '../execution/snapshot.ts'
import { loadSnapshot, openAdmissions } from './executions.ts'
import { markFollowedUp } from './followed-up.ts'
import { addHeldChanges } from './held-counts.ts'
import { readHistory } from './history.ts'
import { type Filter, listExecutions } from './lists.ts'
import { migrations } from './migrations.ts'
import type { Schema } from './schema.ts'
import { pruneCounts, readStatistics } from './statistics.ts'
import { openTransitions } from './transitions.ts'

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

const DIRECT = `
with chosen as (
  select *, extract(epoch from finished_at - created_at)::float8 * 1000 as ms from executions
   where tenant = 'local' and created_at >= $1::timestamptz
), ended as (select * from chosen where finished_at is not null)
select
  (select count(*)::int from chosen where finished_at is null) as running,
  (select count(*)::int from chosen) as total,
  (select coalesce(jsonb_object_agg(status, n), '{}') from (select status, count(*) n from chosen group by 1) s) as by_status,
  (select coalesce(jsonb_object_agg(method, n), '{}')
     from (select method, count(*) n from chosen where method is not null group by 1) m) as by_method,
  (select coalesce(jsonb_object_agg(template_used, n), '{}')
     from (select template_used, count(*) n from chosen where template_used is not null group by 1) t) as templates,
  (select avg((status = 'done' and task_verified)::int)::float8 from ended) as success_rate,
  (select avg((status = 'rolled_back')::int)::float8 from ended where status in ('rolled_back', 'rollback_failed')) as rollback_rate,
  (select avg(cache_hit::int)::float8 from ended) as cache_hit_rate,
  (select avg(ms) from ended) as average_ms,
  (select percentile_disc(0.5) within group (order by ms) from ended) as p50_ms,
  (select percentile_disc(0.95) within group (order by ms) from ended) as p95_ms,
  (select percentile_disc(0.99) within group (order by ms) from ended) as p99_ms,
  (select jsonb_build_object(
     'open', count(*) filter (where finished_at is null),
     'verified', count(*) filter (where finished_at is not null and status = 'done' and task_verified),
     'unverified', count(*) filter (where finished_at is not null and status = 'done' and not task_verified),
     'false_success', 0, 'duplicate_effect', count(*) filter (where finished_at is not null and duplicate_effects > 0),
     'rollback_failed', count(*) filter (where status = 'rollback_failed'),
     'cache_hit', count(*) filter (where finished_at is not null and cache_hit)) from chosen) as counts,
  (select coalesce(jsonb_object_agg(method, usd), '{}') from (
     select coalesce(method, 'none') as method, sum(cost_microusd)::float8 / 1000000 as usd from ended
      group by 1 having sum(cost_microusd) > 0) c) as cost_by_method,
  (select coalesce(sum(tokens_used), 0)::float8 from chosen) as tokens_used,
  (select coalesce(sum(cost_microusd), 0)::float8 / 1000000 from chosen) as cost_usd`

const ended = fc.constantFrom('done', 'failed', 'denied', 'cancelled', 'rolled_back', 'rollback_failed')
const history = fc.array(
  fc.record({
    ageMs: fc.oneof(fc.nat({ max: 30 * MINUTE_MS }), fc.nat({ max: 3 * DAY_MS }), fc.nat({ max: 500 * DAY_MS })),
    ms: fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 600_000 })),
    status: fc.oneof({ weight: 4, arbitrary: ended }, fc.constantFrom('planning', 'waiting', 'running', 'paused')),
    method: fc.option(fc.constantFrom<Method>('autonomous', 'cached', 'llm_assisted')),
    template: fc.option(fc.constantFrom('one', 'two')),
    cacheHit: fc.boolean(),
    verified: fc.boolean(),
    tokens: fc.nat({ max: 1000 }),
    duplicates: fc.constantFrom(0, 0, 0, 2),
    microusd: fc.constantFrom(0, 1_000_000),
    // What becomes of it later: nothing yet; its end is marked, or that it is open; it continues; it ends again.
    later: fc.constantFrom('ended', 'marked', 'again', 'again_marked'),
  }),
  { minLength: 1, maxLength: 25 },
)

it('are what a direct count says, whatever has ended, is on its way, or was begun again, and since whenever', async () => {
  await using db = await testDatabase<Schema>('orchestrator', migrations)
  await fc.assert(
    fc.asyncProperty(history, async (past) => {
      for (const table of ['executions', 'ends', 'counts', 'held_changes', 'held_counts', 'waiters'])
        await db.pool.query(`delete from ${table}`)
      const now = Date.now()
      for (const one of past) await live(db, one, now)
      await pruneCounts(db, now)
      for (const since of [0, ...[400, 40, 1.5].map((days) => now - days * DAY_MS), now - 10 * MINUTE_MS]) {
        const rounding = since > now - 47 * 3_600_000 ? MINUTE_MS : since > now - 59 * DAY_MS ? 60 * MINUTE_MS : DAY_MS
        const from = new Date(Math.floor(since / rounding) * rounding).toISOString()
        const { rows } = await db.pool.query(DIRECT, [from])
        const kept = await readStatistics(db, 'local', since === 0 ? undefined : new Date(since).toISOString())
        const { verification_rate: _, ...figures } = kept
        expect(figures).toEqual(about(rows[0]))
        if (since === 0) expect(await readStatistics(db)).toEqual(kept)
        await listsItsRows(db, kept, from)
      }
      await sumsUp(db, past.length)
    }),
    { numRuns: 15 },
  )
}, 300_000)

/** Durations are kept in buckets, 4 % wide. */
const about = (direct: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(direct).map(([name, value]) => [
      name,
      typeof value !== 'number'
        ? value
        : /^p\d/.test(name)
          ? expect.toSatisfy((kept: number) => Math.abs(kept - value) <= 0.021 * (value + 1) + 1e-6, `about ${value}`)
          : expect.closeTo(value, 6),
    ]),
  )

/** Each count is the number of rows that its filter lists. */
async function listsItsRows(db: TestDatabase<Schema>, stats: ExecutionStats, since: string): Promise<void> {
  const of = async (filter: Partial<Filter>) =>
    (await listExecutions(db, 'local', { since, limit: 500, ...filter })).executions.length
  for (const only of COUNTED) expect(await of({ only }), only).toBe(stats.counts[only])
  for (const status of EXECUTION_STATUSES) expect(await of({ status }), status).toBe(stats.by_status[status] ?? 0)
  for (const method of Method.options) expect(await of({ method }), method).toBe(stats.by_method[method] ?? 0)
  expect(await of({ template: 'one' })).toBe(stats.templates.one ?? 0)
  expect(await of({})).toBe(stats.total)
  expect(stats.running).toBe(stats.counts.open)
}

/** The points of a history that is long enough add up to all. */
async function sumsUp(db: TestDatabase<Schema>, total: number): Promise<void> {
  const all = await readStatistics(db, 'local')
  const { points } = await readHistory(db, 'local', { period: 'month', points: 100 })
  const sum = (of: (point: (typeof points)[number]) => number): number => points.reduce((n, one) => n + of(one), 0)
  expect(sum((point) => point.total)).toBe(total)
  expect(sum(({ tokens_used: tokens }) => tokens)).toBe(all.tokens_used)
  expect(sum(({ by_status: { done = 0 } }) => done)).toBe(all.by_status.done ?? 0)
  expect(sum(({ cost_by_method: { cached = 0 } }) => cached)).toBeCloseTo(all.cost_by_method.cached ?? 0, 6)
}

type Past = typeof history extends fc.Arbitrary<(infer One)[]> ? One : never

async function live(db: TestDatabase<Schema>, past: Past, now: number): Promise<void> {
  const request = { task: 'it', mode: 'auto', priority: 'normal', dry_run: false } as const
  const incoming = { request, principal: { tenant: 'local', user: 'user' }, trace: '', waiter: undefined }
  const execution = newExecution(incoming, now - past.ageMs)
  const admission = admissionOf(execution, incoming)
  await openAdmissions(db)(admission)
  const { execution_id } = execution
  const { status, ms, method, template, cacheHit, tokens, verified, duplicates, microusd } = past
  const open = ['planning', 'waiting', 'running', 'paused'].includes(status)
  const state = {
    method,
    template_used: template,
    cache_hit: cacheHit,
    tokens_used: tokens,
    task_verified: verified,
    duplicate_effects: duplicates,
    cost_microusd: microusd,
  }
  const end = (at: number) => ({
    status: open ? 'done' : status,
    followed_up: false,
    finished_at: new Date(at).toISOString(),
  })
  const first = Date.parse(execution.created_at) + ms
  let head = await change(db, execution, { ...state, ...(open ? { status } : end(first)) } as Partial<ExecutionRow>)
  if (past.later === 'ended') return
  if (open) {
    // What waits for a person is added to the sums, continues, and ends.
    await Promise.all([addHeldChanges(db), addHeldChanges(db)])
    if (past.later === 'marked') return
    head = await change(db, execution, { status: 'running', tokens_used: tokens + 1 })
    if (past.later === 'again') return
    head = await change(db, execution, end(first) as Partial<ExecutionRow>)
  }
  await mark(db, head)
  if (past.later === 'marked') return
  head = await change(db, execution, { status: 'undoing', finished_at: null, followed_up: false })
  if (past.later === 'again') return
  head = await change(db, execution, end(first + 1_000) as Partial<ExecutionRow>)
  // Two replicas see to the same end.
  await Promise.all([mark(db, head), mark(db, head)])

  function mark(on: TestDatabase<Schema>, audit_seq: number) {
    return markFollowedUp(on, [{ execution_id, audit_seq }])
  }
}

/** @returns the number of the last audit row */
async function change(db: TestDatabase<Schema>, { execution_id }: ExecutionRow, to: Partial<ExecutionRow>) {
  const draft = draftOf((await loadSnapshot(db, execution_id))!, Date.now())
  Object.assign(draft.execution, to)
  draft.executionChanged = true
  record(draft, 'execution.running')
  expect(await openTransitions(db)(draft)).toMatchObject({ outcome: 'committed' })
  return draft.execution.audit_seq
}
