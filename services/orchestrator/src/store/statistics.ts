/** Statistics of the executions. */
import type { ExecutionStats } from '@deed/proto/execution'
import type { Database } from './schema.ts'

const STATISTICS = `
with chosen as (
  select *, extract(epoch from finished_at - created_at) * 1000 as ms from executions
   where ($1::text is null or tenant = $1) and created_at >= $2::timestamptz
), ended as (
  select * from chosen where finished_at is not null
), acts as (
  select a.* from actual_state a join chosen using (execution_id)
   where a.task_kind = 'act' and a.actual_status = 'done'
)
select
  (select count(*)::int from chosen where finished_at is null) as running,
  (select count(*)::int from chosen) as total,
  (select coalesce(jsonb_object_agg(status, n), '{}')
     from (select status, count(*)::int n from chosen group by 1) s) as by_status,
  (select coalesce(jsonb_object_agg(method, n), '{}')
     from (select method, count(*)::int n from chosen where method is not null group by 1) m) as by_method,
  (select coalesce(jsonb_object_agg(template_used, n), '{}')
     from (select template_used, count(*)::int n from chosen where template_used is not null group by 1) t) as templates,
  (select avg((status = 'done' and task_verified)::int)::float8 from ended) as success_rate,
  (select avg((verification->>'outcome' is not distinct from 'verified')::int)::float8 from acts
     where verification->>'kind' is distinct from 'unconfirmed') as verification_rate,
  (select avg((status = 'rolled_back')::int)::float8
     from ended where status in ('rolled_back', 'rollback_failed')) as rollback_rate,
  (select avg(cache_hit::int)::float8 from ended) as cache_hit_rate,
  (select avg(ms)::float8 from ended) as average_ms,
  (select percentile_cont(0.5) within group (order by ms)::float8 from ended) as p50_ms,
  (select percentile_cont(0.95) within group (order by ms)::float8 from ended) as p95_ms,
  (select percentile_cont(0.99) within group (order by ms)::float8 from ended) as p99_ms,
  (select coalesce(sum(tokens_used), 0)::float8 from chosen) as tokens_used,
  (select coalesce(sum(cost_microusd), 0)::float8 / 1000000 from chosen) as cost_usd`

/** @param tenant undefined for all tenants */
export async function readStatistics(db: Database, tenant?: string, since?: string): Promise<ExecutionStats> {
  const [row] = await db.query<ExecutionStats>('orchestrator.statistics', STATISTICS, [
    tenant ?? null,
    since ?? '-infinity',
  ])
  if (!row) throw new Error('PostgreSQL returned no row for a select without a table')
  return row
}
