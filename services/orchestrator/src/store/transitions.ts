/**
 * Writing what the reconciler decided: the transitions of many executions in one statement and one
 * commit, each guarded by the version it was decided on.
 */

import type { ExecutionId } from '@deed/proto/ids'
import { batched } from '@deed/store/batched'
import type { Draft } from '../reconcile/draft.ts'
import { hasEnded } from '../reconcile/draft.ts'
import type { TaskRow } from '../snapshot.ts'
import type { Database } from './schema.ts'

export type Committed =
  | { outcome: 'committed'; waiters: Waiter[] }
  /** Somebody else has moved the execution, or an approval has run out by the database's clock. */
  | { outcome: 'moved' }
  /** Another task runs under the same concurrency key. */
  | { outcome: 'key_busy' }

export interface Waiter {
  waiter_id: string
  execution_id: ExecutionId
  reply_to: string
}

const UNIQUE_VIOLATION = '23505'

const MOVE = `
with x as (
  select * from jsonb_to_recordset($1::jsonb->'executions') as x(
    execution_id uuid, expected integer, consumed uuid[], granted uuid[], ended boolean, status text, ending text, method text,
    model_used text, template_used text, template_version integer, tokens_used bigint, cost_microusd bigint,
    cache_hit boolean, degraded text[], result jsonb, error jsonb, cited jsonb, audit_seq integer, audit_hash text,
    finished_at timestamptz, next_check_at timestamptz, settled boolean, task_verified boolean)
), moved as (
  update executions e set
    version = e.version + 1, status = x.status, ending = x.ending, method = x.method, model_used = x.model_used,
    template_used = x.template_used, template_version = x.template_version, tokens_used = x.tokens_used,
    cost_microusd = x.cost_microusd, cache_hit = x.cache_hit, degraded = x.degraded, result = x.result,
    error = x.error, cited = x.cited, audit_seq = x.audit_seq, audit_hash = x.audit_hash,
    finished_at = x.finished_at, settled = x.settled, task_verified = x.task_verified, updated_at = now(),
    -- A look that comes early finds nothing to do, and an index that need not change makes the step cheaper.
    next_check_at = case when e.next_check_at between now() and x.next_check_at then e.next_check_at
      else x.next_check_at end
  from x
  where e.execution_id = x.execution_id and e.version = x.expected
    and not exists (
      select from approvals a
       where a.approval_id = any(x.consumed) and a.expires_at <= now())
    and (x.granted is null or not exists (
      select from grants g
       where g.grant_id = any(x.granted) and (g.revoked_at is not null or g.expires_at <= now())))
  returning e.execution_id, e.tenant, x.ended
)`

/** What goes with the moved executions, by what it changes. Only what a batch has is in its statement. */
const PARTS = {
  plans: `planned as (
  insert into plans (tenant, execution_id, number, plan, plan_hash, policy_version)
  select m.tenant, m.execution_id, p.number, p.plan, p.plan_hash, p.policy_version
    from jsonb_to_recordset($1::jsonb->'plans') as p(
      execution_id uuid, number integer, plan jsonb, plan_hash text, policy_version text)
    join moved m using (execution_id)
)`,
  added: `added as (
  select m.tenant as owner, t.* from jsonb_to_recordset($1::jsonb->'added') as t(
    execution_id uuid, task_id uuid, position integer, name text, title text, task_kind text, capability text,
    desired_status text, dependencies uuid[], priority smallint, level smallint, approval_id uuid, spec jsonb,
    action_hash text, concurrency_key text, resource_key text, replans smallint, on_failure text, actual_status text, intent text, token bigint,
    lease_expires_at timestamptz, last_attempt timestamptz, next_attempt_at timestamptz, verification jsonb,
    result jsonb, last_error jsonb, started_at timestamptz, finished_at timestamptz)
  join moved m using (execution_id)
), added_desired as (
  insert into desired_state (tenant, task_id, execution_id, position, name, title, task_kind, capability,
    desired_status, dependencies, priority, level, approval_id, spec, action_hash, concurrency_key, resource_key, replans, on_failure)
  select owner, task_id, execution_id, position, name, title, task_kind, capability, desired_status, dependencies,
    priority, level, approval_id, spec, action_hash, concurrency_key, resource_key, replans, on_failure from added
), added_actual as (
  insert into actual_state (tenant, task_id, execution_id, task_kind, actual_status, intent, token,
    lease_expires_at, last_attempt, next_attempt_at, concurrency_key, resource_key, verification, result, last_error, started_at,
    finished_at)
  select owner, task_id, execution_id, task_kind, actual_status, intent, token, lease_expires_at, last_attempt,
    next_attempt_at, concurrency_key, resource_key, verification, result, last_error, started_at, finished_at from added
)`,
  desired: `desired as (
  update desired_state d set desired_status = t.desired_status, dependencies = t.dependencies, level = t.level,
    approval_id = t.approval_id, spec = t.spec, action_hash = t.action_hash, replans = t.replans
  from jsonb_to_recordset($1::jsonb->'desired') as t(
    execution_id uuid, task_id uuid, desired_status text, dependencies uuid[], level smallint, approval_id uuid,
    spec jsonb, action_hash text, replans smallint)
  join moved m using (execution_id)
  where d.task_id = t.task_id
)`,
  actual: `actual as (
  update actual_state a set actual_status = t.actual_status, intent = t.intent, token = t.token,
    assigned_agent = t.assigned_agent, lease_expires_at = t.lease_expires_at, last_attempt = t.last_attempt,
    next_attempt_at = t.next_attempt_at, failure_count = t.failure_count, progress_at = t.progress_at,
    effect = t.effect, last_error = t.last_error, verification = t.verification,
    undo_verification = t.undo_verification, result = t.result, started_at = t.started_at,
    finished_at = t.finished_at
  from jsonb_to_recordset($1::jsonb->'actual') as t(
    execution_id uuid, task_id uuid, actual_status text, intent text, token bigint, assigned_agent text,
    lease_expires_at timestamptz, last_attempt timestamptz, next_attempt_at timestamptz, failure_count integer,
    progress_at timestamptz, effect text, last_error jsonb, verification jsonb, undo_verification jsonb,
    result jsonb, started_at timestamptz, finished_at timestamptz)
  join moved m using (execution_id)
  where a.task_id = t.task_id
)`,
  approvals: `approved as (
  insert into approvals (tenant, approval_id, execution_id, task_id, level, status, plan_hash, policy_version, sealed,
    actions, plan_number, grant_id, requested_by, decided_by, reason, created_at, asked_at, decided_at, consumed_at,
    expires_at)
  select m.tenant, p.approval_id, p.execution_id, p.task_id, p.level, p.status, p.plan_hash, p.policy_version,
    p.sealed, p.actions, p.plan_number, p.grant_id, p.requested_by, p.decided_by, p.reason, p.created_at, p.asked_at,
    p.decided_at, p.consumed_at, p.expires_at
    from jsonb_to_recordset($1::jsonb->'approvals') as p(
      approval_id uuid, execution_id uuid, task_id uuid, level smallint, status text, plan_hash text,
      policy_version text, sealed jsonb, actions jsonb, plan_number integer, grant_id uuid, requested_by text,
      decided_by text, reason text, created_at timestamptz, asked_at timestamptz, decided_at timestamptz,
      consumed_at timestamptz, expires_at timestamptz)
    join moved m using (execution_id)
  on conflict (approval_id) do update set status = excluded.status, plan_hash = excluded.plan_hash,
    sealed = excluded.sealed, actions = excluded.actions, decided_by = excluded.decided_by,
    reason = excluded.reason, grant_id = excluded.grant_id, asked_at = excluded.asked_at,
    decided_at = excluded.decided_at, consumed_at = excluded.consumed_at, expires_at = excluded.expires_at
)`,
  written: `written as (
  insert into written_targets (tenant, name)
  select distinct m.tenant, w.name from jsonb_to_recordset($1::jsonb->'written') as w(execution_id uuid, name text)
    join moved m using (execution_id)
   -- Two statements that write the same wait for one another, and never in a circle.
   order by 1, 2
  on conflict (tenant, name) do update set written_at = greatest(written_targets.written_at, now())
)`,
  audit: `audited as (
  insert into audit_log (tenant, execution_id, seq, type, at, task_id, data, hash)
  select m.tenant, m.execution_id, r.seq, r.type, r.at, r.task_id, r.data, r.hash
    from jsonb_to_recordset($1::jsonb->'audit') as r(
      execution_id uuid, seq integer, type text, at timestamptz, task_id uuid, data jsonb, hash text)
    join moved m using (execution_id)
)`,
}

const ANSWER = `
select m.execution_id, (
    select jsonb_agg(jsonb_build_object('waiter_id', w.waiter_id::text, 'reply_to', w.reply_to))
      from waiters w where m.ended and w.execution_id = m.execution_id) as waiters
  from moved m`

type Part = keyof typeof PARTS

/** Tables that a statement names cost time even where it has nothing for them. */
function commitOf(input: Record<Part, readonly unknown[]>): { name: string; text: string } {
  const parts = (Object.keys(PARTS) as Part[]).filter((part) => input[part].length > 0)
  return {
    name: ['orchestrator.commit', ...parts].join('.'),
    text: `${[MOVE, ...parts.map((part) => PARTS[part])].join(', ')}${ANSWER}`,
  }
}

/** Writes a draft, together with those that arrive while the statement before is under way. */
export function openTransitions(db: Database): (draft: Draft) => Promise<Committed> {
  const flush = async (drafts: Draft[]): Promise<Committed[]> => {
    try {
      return await write(db, drafts)
    } catch (error) {
      if (drafts.length === 1) {
        if (isKeyBusy(error)) return [{ outcome: 'key_busy' }]
        throw error
      }
      // One of them spoils the statement for all: each alone, so that the others get through.
      return Promise.all(drafts.map(async (draft) => (await flush([draft]))[0] as Committed))
    }
  }
  return batched(flush)
}

const isKeyBusy = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  error.code === UNIQUE_VIOLATION &&
  'constraint' in error &&
  (error.constraint === 'actual_state_one_at_a_time' || error.constraint === 'actual_state_one_per_resource')

async function write(db: Database, drafts: readonly Draft[]): Promise<Committed[]> {
  const input = inputOf(drafts)
  const { name, text } = commitOf(input)
  const rows = await db.query<{ execution_id: ExecutionId; waiters: Omit<Waiter, 'execution_id'>[] | null }>(
    name,
    text,
    [JSON.stringify(input)],
  )
  const committed = new Map(rows.map((row) => [row.execution_id, row.waiters ?? []]))
  return drafts.map(({ execution: { execution_id } }) => {
    const waiters = committed.get(execution_id)
    if (!waiters) return { outcome: 'moved' }
    return { outcome: 'committed', waiters: waiters.map((waiter) => ({ ...waiter, execution_id })) }
  })
}

function inputOf(drafts: readonly Draft[]) {
  return {
    executions: drafts.map((draft) => {
      // What never changes stays out of the message.
      const { request, request_hash, trace, created_at, user_name, ...execution } = draft.execution
      const granted = [...draft.consumed].flatMap((id) => draft.approvals.get(id)?.grant_id ?? [])
      return {
        ...execution,
        expected: draft.expectedVersion,
        consumed: [...draft.consumed],
        ...(granted.length === 0 ? {} : { granted }),
        ended: hasEnded(draft),
      }
    }),
    plans: drafts.flatMap(({ plan, execution }) => (plan ? [{ ...plan, execution_id: execution.execution_id }] : [])),
    added: drafts.flatMap(({ added, tasks }) => [...added].map((id) => tasks.get(id))),
    desired: drafts.flatMap(({ desiredChanged, tasks }) => [...desiredChanged].map((id) => desiredOf(tasks.get(id)))),
    actual: drafts.flatMap(({ actualChanged, tasks }) => [...actualChanged].map((id) => actualOf(tasks.get(id)))),
    approvals: drafts.flatMap(({ approvalsChanged, approvals }) =>
      [...approvalsChanged].map((id) => approvals.get(id)),
    ),
    written: drafts.flatMap(({ written, execution: { execution_id } }) =>
      written.map((name) => ({ execution_id, name })),
    ),
    audit: drafts.flatMap(({ audit, execution }) =>
      audit.map((row) => ({ ...row, execution_id: execution.execution_id })),
    ),
  }
}

// Of a task that is there already, only what the statement reads: the rest is many times as long.

function desiredOf(task: TaskRow | undefined) {
  if (!task) return undefined
  const { execution_id, task_id, desired_status, dependencies, level, approval_id, spec, action_hash, replans } = task
  return { execution_id, task_id, desired_status, dependencies, level, approval_id, spec, action_hash, replans }
}

function actualOf(task: TaskRow | undefined) {
  if (!task) return undefined
  const { tenant, position, name, title, task_kind, capability, spec, action_hash, ...rest } = task
  const {
    desired_status,
    dependencies,
    priority,
    level,
    approval_id,
    concurrency_key,
    resource_key,
    replans,
    on_failure,
    ...actual
  } = rest
  return actual
}
