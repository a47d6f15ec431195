/** The facts about the whole mesh that are exported: read in one statement, from indexes of what has not ended. */
import type { Fact } from '@deed/telemetry/metric-registry'
import type { PoolClient } from 'pg'

/** Without progress for this long an execution is stuck. */
const STUCK = `interval '10 minutes'`
/** A worker without a heartbeat for this long is gone. */
const LIVE = `status in ('idle', 'busy') and last_seen > now() - interval '10 seconds'`
/** The session that holds it exports. */
const LOCK = `hashtextextended('deed.facts', 0)`
/** PostgreSQL ends the session, and with it the lock, of a process that is frozen for so long. */
const SESSION_IDLE = '60s'

const seconds = (since: string): string => `greatest(0, extract(epoch from now() - ${since}))::float8`
const fact = (name: string, value: string, from: string, labels = `'{}'::jsonb`): string =>
  `select '${name}' as name, ${labels} as labels, (${value})::float8 as value ${from}`

const FACTS = `
with recursive active as materialized (
  select execution_id, status, updated_at from executions
   where not followed_up and not held and status in ('planning', 'running', 'undoing')
), ready as materialized (
  select d.capability, greatest(d.created_at, a.progress_at, a.next_attempt_at, p.decided_at, done.at) as since
    from active e
    join actual_state a on a.execution_id = e.execution_id and a.actual_status = 'pending'
    join desired_state d on d.task_id = a.task_id
    left join approvals p on p.approval_id = d.approval_id
   cross join lateral (
     select max(b.finished_at) as at, count(*) filter (where b.actual_status not in ('done', 'skipped')) as missing
       from actual_state b where b.task_id = any(d.dependencies)) done
   where e.status = 'running' and d.capability in ('act', 'solve') and d.desired_status = 'done' and done.missing = 0
     and (a.next_attempt_at is null or a.next_attempt_at <= now())
     and (d.level = 0 or p.status in ('approved', 'used'))
), tenants as (
  (select tenant from audit_anchors order by tenant limit 1)
  union all
  select (select a.tenant from audit_anchors a where a.tenant > t.tenant order by a.tenant limit 1)
    from tenants t where t.tenant is not null
), unanchored as (
  select e.created_at from tenants t
   cross join lateral (
     select at from audit_anchors a where a.tenant = t.tenant order by a.number desc limit 1) last
   cross join lateral (
     select created_at from executions
      -- Ids begin with their time.
      where execution_id > (lpad(to_hex((extract(epoch from last.at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
        and tenant = t.tenant
      order by execution_id limit 1) e
)
${[
  fact('deed_exporter', '1', ''),
  `select name, labels, value::float8 from totals`,
  fact(
    'deed_open_executions',
    'count(*)',
    `from (select status from active union all select status from held_executions) e group by status`,
    `jsonb_build_object('status', status)`,
  ),
  fact(
    'deed_executions_stuck',
    'count(*)',
    `from active e where e.updated_at < now() - ${STUCK}
       and not exists (select from actual_state a where a.execution_id = e.execution_id
         and (a.lease_expires_at > now() or a.next_attempt_at > now()))`,
  ),
  fact(
    'deed_tasks',
    'count(*)',
    `from (select execution_id from active union all select execution_id from held_executions) e
       join actual_state a using (execution_id) group by a.actual_status`,
    `jsonb_build_object('status', a.actual_status)`,
  ),
  fact(
    'deed_tasks_ready',
    'count(*)',
    'from ready group by capability',
    `jsonb_build_object('capability', capability)`,
  ),
  fact('deed_oldest_ready_seconds', `coalesce(max(${seconds('since')}), 0)`, 'from ready'),
  fact(
    'deed_worker_slots',
    `sum(case s.state when 'busy' then running else greatest(0, slots - running) end)`,
    `from agents cross join (values ('free'), ('busy')) s(state) where ${LIVE} group by capability, s.state`,
    `jsonb_build_object('capability', capability, 'state', s.state)`,
  ),
  fact(
    'deed_reconcile_lag_seconds',
    `coalesce(max(${seconds('next_check_at')}), 0)`,
    'from executions where not followed_up and next_check_at < now()',
  ),
  fact(
    'deed_approval_oldest_seconds',
    `max(${seconds('asked_at')})`,
    `from approvals where status = 'pending' and asked_at is not null and expires_at > now() group by level`,
    `jsonb_build_object('level', level::text)`,
  ),
  fact(
    'deed_reviews_open',
    'count(*)',
    `from desired_state d join actual_state a using (task_id)
      where d.capability = 'human' and d.task_kind = 'review' and a.actual_status = 'pending' and a.started_at is not null
      group by d.spec->>'cause'`,
    `jsonb_build_object('cause', d.spec->>'cause')`,
  ),
  fact(
    'deed_goals',
    'count(*)',
    `from goals group by case when paused then 'paused' else status end`,
    `jsonb_build_object('state', case when paused then 'paused' else status end)`,
  ),
  fact('deed_audit_anchor_age_seconds', `coalesce(max(${seconds('created_at')}), 0)`, 'from unanchored'),
].join('\nunion all ')}`

const BUDGET = fact(
  'deed_budget_used_ratio',
  'coalesce(max(spent_microusd::float8 / nullif(limit_microusd, 0)), 0)',
  `from hybrid_agent.budget_days where scope = 'day:' || to_char(now() at time zone 'utc', 'YYYY-MM-DD')`,
  `jsonb_build_object('scope', 'day')`,
)

/** No such schema, no such view, no right to it. */
const NOT_THERE = new Set(['3F000', '42P01', '42501'])

/** @returns whether this session exports; it holds the lock until it ends */
export async function takeExport(client: PoolClient): Promise<boolean> {
  await client.query(`set idle_session_timeout = '${SESSION_IDLE}'`)
  const { rows } = await client.query<{ held: boolean }>(`select pg_try_advisory_lock(${LOCK}) as held`)
  return rows[0]?.held === true
}

export async function readFacts(client: PoolClient): Promise<Fact[]> {
  return (await client.query<Fact>({ name: 'orchestrator.facts', text: FACTS })).rows
}

/** How much of the budget of today is used. Empty while the hybrid-agent has no tables yet. */
export async function readBudget(client: PoolClient): Promise<Fact[]> {
  const { rows } = await client.query<Fact>(BUDGET).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && NOT_THERE.has(String(error.code))) return { rows: [] }
    throw error
  })
  return rows
}
