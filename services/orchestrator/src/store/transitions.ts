/**
 * Writes the reconciler's decisions: the transitions of many executions in one statement and one commit, each guarded
 * by the version that it was decided on.
 */

import type { ExecutionId } from '@deed/proto/ids'
import { batched } from '@deed/store/batched'
import type { Draft } from '../execution/draft.ts'
import { hasEnded, hasResumed, isOpenAgain } from '../execution/draft.ts'
import type { ExecutionRow, TaskRow } from '../execution/snapshot.ts'
import { CONTRADICTED } from './claims.ts'
import { columns, names, sets, typed } from './columns.ts'
import { countEnds } from './ends.ts'
import type { Database } from './schema.ts'

export type Committed =
  | { outcome: 'committed'; waiters: Waiter[] }
  /** Another replica has changed the execution, or an approval has expired by the database's clock. */
  | { outcome: 'moved' }
  /** Another task runs under the same concurrency key. */
  | { outcome: 'key_busy' }
  /** The executor's ledger contradicts the report. */
  | { outcome: 'contradicted' }

export interface Waiter {
  waiter_id: string
  execution_id: ExecutionId
  reply_to: string
}

const UNIQUE_VIOLATION = '23505'

const OWN = columns('execution_id uuid')
/** Of an execution, what a step may change as it says. */
export const MOVED = columns(`
  status text, ending text, method text, model_used text, template_used text, template_version integer,
  tokens_used bigint, cost_microusd bigint, budget_microusd bigint, cache_hit boolean, duplicate_effects integer, degraded text[], result jsonb, error jsonb, cited jsonb,
  audit_seq integer, audit_hash text, finished_at timestamptz, followed_up boolean, task_verified boolean`)
const GUARD = columns(
  'expected integer, consumed uuid[], granted uuid[], ended boolean, next_check_at timestamptz, trace text, root jsonb',
)
const PLAN = columns('number integer, plan jsonb, plan_hash text, policy_version text')
/** Of a task, what never changes in one of its rows. */
const OF_BOTH = columns('task_id uuid, execution_id uuid, task_kind text, concurrency_key text, resource_key text')
const OF_DESIRED = columns(
  'position integer, name text, title text, capability text, priority smallint, on_failure text',
)
const DESIRED = columns(`
  desired_status text, dependencies uuid[], level smallint, approval_id uuid, spec jsonb, action_hash text,
  replans smallint`)
/** What a new task may bring with it, and what the others begin with as the table says. */
const ACTUAL = columns(`
  actual_status text, intent text, token bigint, lease_expires_at timestamptz, last_attempt timestamptz,
  next_attempt_at timestamptz, verification jsonb, result jsonb, last_error jsonb, started_at timestamptz,
  finished_at timestamptz`)
const ACTUAL_LATER = columns(`
  assigned_agent text, failure_count integer, progress_at timestamptz, effect text, undo_verification jsonb`)
const APPROVAL = columns(`
  approval_id uuid, execution_id uuid, task_id uuid, level smallint, policy_version text, plan_number integer,
  requested_by text, created_at timestamptz`)
const APPROVAL_LATER = columns(`
  status text, plan_hash text, sealed jsonb, actions jsonb, grant_id uuid, decided_by text, reason text,
  asked_at timestamptz, decided_at timestamptz, consumed_at timestamptz, expires_at timestamptz`)
const AUDIT = columns('seq integer, type text, at timestamptz, task_id uuid, data jsonb, hash text')

const EXECUTIONS = `
with x as (
  select * from jsonb_to_recordset($1::jsonb->'executions') as x(${typed(OWN, GUARD, MOVED)})
)`

const moveOf = (condition: string): string => `moved as (
  update executions e set version = e.version + 1, ${sets(MOVED, 'x')}, updated_at = now(),
    trace = coalesce(x.trace, e.trace), root = coalesce(x.root, e.root),
    -- A check that comes early finds nothing to do, and an index that need not change makes the step cheaper.
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
    ${condition}
  returning e.execution_id, e.tenant, x.ended
)`

/** Further changes of the executions, by table. A statement contains only the parts that its batch needs. */
export const PARTS = {
  plans: `planned as (
  insert into plans (tenant, execution_id, ${names(PLAN)})
  select m.tenant, m.execution_id, ${names(PLAN, 'p')}
    from jsonb_to_recordset($1::jsonb->'plans') as p(${typed(OWN, PLAN)})
    join moved m using (execution_id)
)`,
  added: `added as (
  select m.tenant as owner, t.*
    from jsonb_to_recordset($1::jsonb->'added') as t(${typed(OF_BOTH, OF_DESIRED, DESIRED, ACTUAL)})
    join moved m using (execution_id)
), added_desired as (
  insert into desired_state (tenant, ${names({ ...OF_BOTH, ...OF_DESIRED, ...DESIRED })})
  select owner, ${names({ ...OF_BOTH, ...OF_DESIRED, ...DESIRED })} from added
), added_actual as (
  insert into actual_state (tenant, ${names({ ...OF_BOTH, ...ACTUAL })})
  select owner, ${names({ ...OF_BOTH, ...ACTUAL })} from added
)`,
  desired: `desired as (
  update desired_state d set ${sets(DESIRED, 't')}
  from jsonb_to_recordset($1::jsonb->'desired') as t(execution_id uuid, task_id uuid, ${typed(DESIRED)})
  join moved m using (execution_id)
  where d.task_id = t.task_id
)`,
  actual: `actual as (
  update actual_state a set ${sets({ ...ACTUAL, ...ACTUAL_LATER }, 't')}
  from jsonb_to_recordset($1::jsonb->'actual') as t(execution_id uuid, task_id uuid, ${typed(ACTUAL, ACTUAL_LATER)})
  join moved m using (execution_id)
  where a.task_id = t.task_id
)`,
  approvals: `approved as (
  insert into approvals (tenant, ${names({ ...APPROVAL, ...APPROVAL_LATER })})
  select m.tenant, ${names({ ...APPROVAL, ...APPROVAL_LATER }, 'p')}
    from jsonb_to_recordset($1::jsonb->'approvals') as p(${typed(APPROVAL, APPROVAL_LATER)})
    join moved m using (execution_id)
  on conflict (approval_id) do update set ${sets(APPROVAL_LATER, 'excluded')}
)`,
  reopened: `reopened as (
  delete from ends using jsonb_to_recordset($1::jsonb->'reopened') as r(execution_id uuid)
    join moved m using (execution_id)
   where ends.tenant = m.tenant and ends.execution_id = m.execution_id
  returning ends.*
), uncounted as (${countEnds('reopened', '-')})`,
  written: `written as (
  insert into written_targets (tenant, name)
  select distinct m.tenant, w.name from jsonb_to_recordset($1::jsonb->'written') as w(execution_id uuid, name text)
    join moved m using (execution_id)
   -- Two statements that write the same wait for one another, and never in a circle.
   order by 1, 2
  on conflict (tenant, name) do update set written_at = greatest(written_targets.written_at, now())
)`,
  audit: `audited as (
  insert into audit_log (tenant, execution_id, ${names(AUDIT)})
  select m.tenant, m.execution_id, ${names(AUDIT, 'r')}
    from jsonb_to_recordset($1::jsonb->'audit') as r(${typed(OWN, AUDIT)})
    join moved m using (execution_id)
)`,
}

const MOVE = moveOf('')
const MOVE_UNLESS_CONTRADICTED = moveOf(
  'and not exists (select from contradicted c where c.execution_id = e.execution_id)',
)

const ANSWER = `
select m.execution_id, false as contradicted, (
    select jsonb_agg(jsonb_build_object('waiter_id', w.waiter_id::text, 'reply_to', w.reply_to))
      from waiters w where m.ended and w.execution_id = m.execution_id) as waiters
  from moved m`
const ANSWER_CONTRADICTED = ' union all select c.execution_id, true, null from contradicted c'

export type Part = keyof typeof PARTS

/** A statement is slower for every table that it names, even without rows. */
export const partsOf = (input: Record<Part, readonly unknown[]>): Part[] =>
  (Object.keys(PARTS) as Part[]).filter((part) => input[part].length > 0)

function commitOf(input: Record<Part | 'claims', readonly unknown[]>): { name: string; text: string } {
  const parts = partsOf(input)
  const claimed = input.claims.length > 0
  const first = claimed ? [EXECUTIONS, CONTRADICTED, MOVE_UNLESS_CONTRADICTED] : [EXECUTIONS, MOVE]
  return {
    name: ['orchestrator.commit', ...(claimed ? ['claims'] : []), ...parts].join('.'),
    text: `${[...first, ...parts.map((part) => PARTS[part])].join(', ')}${ANSWER}${claimed ? ANSWER_CONTRADICTED : ''}`,
  }
}

/** Writes a draft, together with those that arrive during the previous statement. */
export const openTransitions = (db: Database): ((draft: Draft) => Promise<Committed>) =>
  committing((drafts) => write(db, drafts))

/** Commits many in one statement; if it fails, each alone. */
export function committing<One>(
  write: (all: readonly One[]) => Promise<Committed[]>,
): (one: One) => Promise<Committed> {
  const flush = async (drafts: One[]): Promise<Committed[]> => {
    try {
      return await write(drafts)
    } catch (error) {
      if (drafts.length === 1) {
        if (isKeyBusy(error)) return [{ outcome: 'key_busy' }]
        throw error
      }
      // One of them makes the statement fail for all: each is tried alone, so that the others succeed.
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
  return outcomesOf(drafts, await db.query<Answer>(name, text, [JSON.stringify(input)]))
}

export function outcomesOf(drafts: readonly Pick<Draft, 'execution'>[], rows: readonly Answer[]): Committed[] {
  const answers = new Map(rows.map((row) => [row.execution_id, row]))
  return drafts.map(({ execution: { execution_id } }) => {
    const answer = answers.get(execution_id)
    if (!answer) return { outcome: 'moved' }
    if (answer.contradicted) return { outcome: 'contradicted' }
    const waiters = answer.waiters ?? []
    return { outcome: 'committed', waiters: waiters.map((waiter) => ({ ...waiter, execution_id })) }
  })
}

export interface Answer {
  execution_id: ExecutionId
  contradicted: boolean
  waiters: Omit<Waiter, 'execution_id'>[] | null
}

export function inputOf(drafts: readonly Draft[]) {
  return {
    executions: drafts.map((draft) => {
      const granted = [...draft.consumed].flatMap((id) => draft.approvals.get(id)?.grant_id ?? [])
      return {
        ...pick(draft.execution, EXECUTION_READ),
        ...(hasResumed(draft) ? { trace: draft.execution.trace, root: draft.execution.root } : {}),
        expected: draft.expectedVersion,
        ...(draft.consumed.size === 0 ? {} : { consumed: [...draft.consumed] }),
        ...(granted.length === 0 ? {} : { granted }),
        ended: hasEnded(draft),
      }
    }),
    claims: drafts.flatMap(({ claim, execution: { execution_id } }) => (claim ? [{ ...claim, execution_id }] : [])),
    plans: drafts.flatMap(({ plan, execution }) => (plan ? [{ ...plan, execution_id: execution.execution_id }] : [])),
    added: drafts.flatMap(({ added, tasks }) => [...added].map((id) => pick(tasks.get(id), ADDED_READ))),
    desired: drafts.flatMap(({ desiredChanged, tasks }) =>
      [...desiredChanged].map((id) => pick(tasks.get(id), DESIRED_READ)),
    ),
    actual: drafts.flatMap(({ actualChanged, tasks }) =>
      [...actualChanged].map((id) => pick(tasks.get(id), ACTUAL_READ)),
    ),
    approvals: drafts.flatMap(({ approvalsChanged, approvals }) =>
      [...approvalsChanged].map((id) => approvals.get(id)),
    ),
    reopened: drafts.flatMap((draft) => (isOpenAgain(draft) ? [{ execution_id: draft.execution.execution_id }] : [])),
    written: drafts.flatMap(({ written, execution: { execution_id } }) =>
      written.map((name) => ({ execution_id, name })),
    ),
    audit: drafts.flatMap(({ audit, execution }) =>
      audit.map((row) => ({ ...row, execution_id: execution.execution_id })),
    ),
  }
}

// Only the fields that the statement reads: the others are many times as long. What is missing is null there.

const KEY = ['execution_id', 'task_id'] as const
const EXECUTION_READ = ['execution_id', 'next_check_at', ...Object.keys(MOVED)] as (keyof ExecutionRow)[]
const ADDED_READ = Object.keys({ ...OF_BOTH, ...OF_DESIRED, ...DESIRED, ...ACTUAL }) as (keyof TaskRow)[]
const DESIRED_READ = [...KEY, ...Object.keys(DESIRED)] as (keyof TaskRow)[]
const ACTUAL_READ = [...KEY, ...Object.keys({ ...ACTUAL, ...ACTUAL_LATER })] as (keyof TaskRow)[]

function pick<Row extends object>(row: Row | undefined, read: readonly (keyof Row)[]): Partial<Row> {
  const picked: Partial<Row> = {}
  for (const name of row ? read : []) if (row?.[name] !== null) picked[name] = row?.[name]
  return picked
}
