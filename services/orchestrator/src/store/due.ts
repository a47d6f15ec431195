/** Executions that are due for a check. */
import type { ExecutionId } from '@deed/proto/ids'
import type { Database } from './schema.ts'

const CLAIM_SECONDS = 5
/** The longest time between two checks of an execution that waits for its plan in the queue of a replica. */
const QUEUED_SECONDS_MAX = 300
/** After half of the time that it has waited, so that a hundred thousand of them are not checked every few seconds. */
const QUEUED_CHECK = `least((now() - e.created_at) / 2, interval '${QUEUED_SECONDS_MAX} s')`

const TENANTS = `
with recursive tenants as (
  (select tenant from executions where not followed_up order by tenant limit 1)
  union all
  select (select e.tenant from executions e where not e.followed_up and e.tenant > t.tenant order by e.tenant limit 1)
    from tenants t where t.tenant is not null
)`

const CLAIM = `${TENANTS}, relaxed as (select set_config('synchronous_commit', 'off', true)
), due as (
  select e.execution_id from tenants t cross join lateral (
    select execution_id from executions
     where tenant = t.tenant and not followed_up and next_check_at <= now()
     -- Each tenant has its share, so that none waits behind another's thousands.
     order by next_check_at limit (select greatest(1, $1::bigint / count(*)) from tenants) for update skip locked) e
)
update executions e set next_check_at = now() + greatest(interval '${CLAIM_SECONDS} s',
    case when e.status = 'planning' then ${QUEUED_CHECK} end)
  from due, relaxed where e.execution_id = due.execution_id
returning e.execution_id`

/**
 * Claims executions that are due, for one replica: the others see them again only if their check is not recorded in
 * time, and those that wait for a plan later. Does not wait for the disk: a lost claim is claimed again.
 */
export async function claimDue(db: Database, max: number): Promise<ExecutionId[]> {
  const rows = await db.query<{ execution_id: ExecutionId }>('orchestrator.claim_due', CLAIM, [max])
  return rows.map(({ execution_id: id }) => id)
}

export interface NextCheck {
  execution_id: ExecutionId
  next_check_at: string
}

/** Writes when executions that a check left as they are have to be checked again. Does not wait for the disk. */
export async function postponeChecks(db: Database, checks: readonly NextCheck[]): Promise<void> {
  await db.query(
    'orchestrator.postpone_checks',
    `with relaxed as (select set_config('synchronous_commit', 'off', true))
     update executions e set next_check_at = x.next_check_at
       from relaxed, unnest($1::uuid[], $2::timestamptz[]) as x(execution_id, next_check_at)
      where e.execution_id = x.execution_id and not e.followed_up`,
    [checks.map(({ execution_id: id }) => id), checks.map(({ next_check_at: at }) => at)],
  )
}
