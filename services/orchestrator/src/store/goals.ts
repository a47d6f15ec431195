/** Goals: their rows, and the claim to check one. */
import type { Action, Facts } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import type { ExecutionRequest } from '@deed/proto/execution'
import type { GoalOutcome, GoalStatus } from '@deed/proto/goal'
import type { ApprovalId, ExecutionId, Principal } from '@deed/proto/ids'
import type { TaskTerms } from '@deed/proto/manifest'
import { batched } from '@deed/store/batched'
import type { Database } from './schema.ts'

export interface GoalStep {
  title: string
  action: Action
  /** Of a manifest's step: its task, its dependencies, and its description there. */
  name?: string
  after?: string[]
  terms?: TaskTerms
}

/** That a person agreed to one step of a goal, for whenever it is needed. */
export interface StepAgreement {
  by: string
  policy_version: string
  /** The level that the step was shown with. */
  level: number
  /** What the action's names meant. */
  means: Facts
}

export interface GoalRow {
  tenant: string
  name: string
  goal_id: string
  user_name: string
  task: string
  source_hash: string
  /** The request of its executions, without a key. */
  request: ExecutionRequest
  /** The steps to observe, and to run in sequence if they do not hold. */
  steps: GoalStep[]
  status: GoalStatus
  paused: boolean
  why: string | null
  interval_ms: number
  remedies_max: number
  /** By the hash of the action alone. */
  agreed: Record<string, StepAgreement> | null
  execution_id: ExecutionId | null
  execution_open: boolean
  checks: number
  last_check_at: string | null
  last_outcome: GoalOutcome | null
  last_seen: string | null
  drifts: number
  last_drift_at: string | null
  remedies: Remedy[]
  next_check_at: string
  created_at: string
}

/** A claimed goal that is not checked within this time is checked by another replica. */
export const CHECK_MS_MAX = 15_000
const GOALS_MAX = 1_000

type NewGoal = Pick<
  GoalRow,
  | 'tenant'
  | 'name'
  | 'goal_id'
  | 'user_name'
  | 'task'
  | 'source_hash'
  | 'request'
  | 'steps'
  | 'interval_ms'
  | 'remedies_max'
  | 'execution_id'
>

/**
 * Stores a goal that is to be established, replacing one of the same name.
 *
 * @throws {DeedError} `limit_exceeded`; nothing is stored
 */
export async function storeGoal(db: Database, goal: NewGoal): Promise<GoalRow> {
  const [row] = await db.query<{ goal: GoalRow }>(
    'orchestrator.goal_put',
    `insert into goals (tenant, name, goal_id, user_name, task, source_hash, request, steps, status, interval_ms,
       remedies_max, execution_id, execution_open, next_check_at)
     select $1, $2, $3::uuid, $4, $5, $6, $7::jsonb, $8::jsonb, 'establishing', $9::integer, $10::integer, $11::uuid, true, now() + interval '1 second'
      where (select count(*) from goals where tenant = $1 and name <> $2) < ${GOALS_MAX}
     on conflict (tenant, name) do update set goal_id = excluded.goal_id, user_name = excluded.user_name,
       task = excluded.task, source_hash = excluded.source_hash, request = excluded.request,
       steps = excluded.steps, status = excluded.status, paused = false, why = null,
       interval_ms = excluded.interval_ms, remedies_max = excluded.remedies_max, agreed = null,
       execution_id = excluded.execution_id, execution_open = true, checks = goals.checks + 1, last_check_at = null,
       last_outcome = null, last_seen = null, drifts = 0, last_drift_at = null, remedies = '[]',
       next_check_at = excluded.next_check_at, created_at = now()
     returning to_jsonb(goals) as goal`,
    [
      goal.tenant,
      goal.name,
      goal.goal_id,
      goal.user_name,
      goal.task,
      goal.source_hash,
      JSON.stringify(goal.request),
      JSON.stringify(goal.steps),
      goal.interval_ms,
      goal.remedies_max,
      goal.execution_id,
    ],
  )
  if (!row) throw new DeedError('limit_exceeded', `a tenant has at most ${GOALS_MAX} goals; delete one`)
  return row.goal
}

/** Changes its interval and its limit of remedies; it is checked at once. */
export async function adjustGoal(
  db: Database,
  goalId: string,
  { intervalMs, remediesMax }: { intervalMs: number; remediesMax: number },
): Promise<GoalRow | undefined> {
  const [row] = await db.query<{ goal: GoalRow }>(
    'orchestrator.goal_adjust',
    `update goals set interval_ms = $2::integer, remedies_max = $3,
       next_check_at = now()
      where goal_id = $1 returning to_jsonb(goals) as goal`,
    [goalId, intervalMs, remediesMax],
  )
  return row?.goal
}

/** All goals of a tenant. */
/** The goals of a tenant. */
export type GoalsOf = (tenant: string) => Promise<GoalRow[]>

/** Plans that are made at the same time read the goals with one statement. */
export const openGoalsOf = (db: Database): GoalsOf =>
  batched(async (tenants: string[]) => {
    const rows = await db.query<{ goal: GoalRow }>(
      'orchestrator.goals_of',
      `select to_jsonb(goals) as goal from goals where tenant = any($1) order by name`,
      [[...new Set(tenants)]],
    )
    return tenants.map((tenant) => rows.filter(({ goal }) => goal.tenant === tenant).map(({ goal }) => goal))
  })

export async function readGoals(db: Database, { tenant }: Principal, name: string | null): Promise<GoalRow[]> {
  const rows = await db.query<{ goal: GoalRow }>(
    'orchestrator.goals',
    `select to_jsonb(goals) as goal from goals where tenant = $1 and ($2::text is null or name = $2) order by name`,
    [tenant, name],
  )
  return rows.map(({ goal }) => goal)
}

/** @throws {DeedError} `not_found` */
export async function steerGoal(
  db: Database,
  { tenant }: Principal,
  name: string,
  verb: 'pause' | 'resume',
): Promise<GoalRow> {
  const [row] = await db.query<{ goal: GoalRow }>(
    `orchestrator.goal_${verb}`,
    verb === 'pause'
      ? `update goals set paused = true, checks = checks + 1 where tenant = $1 and name = $2
         returning to_jsonb(goals) as goal`
      : // Resuming an active goal changes nothing, in particular not the count of its remedies.
        `update goals set
           remedies = case when status = 'blocked' then '[]' else remedies end,
           status = case when status = 'blocked' then 'active' else status end,
           next_check_at = case when paused or status = 'blocked' then now() else next_check_at end,
           why = null, paused = false
         where tenant = $1 and name = $2 returning to_jsonb(goals) as goal`,
    [tenant, name],
  )
  if (!row) throw new DeedError('not_found', `there is no goal "${name}"; \`deed goal list\` lists them`)
  return row.goal
}

/** Goals that wait for a person, the latest first. */
export async function readBlockedGoals(
  db: Database,
  { tenant }: Principal,
  by: { approvalId?: ApprovalId | undefined; executionId?: ExecutionId | undefined; limit: number },
): Promise<GoalRow[]> {
  const rows = await db.query<{ goal: GoalRow }>(
    'orchestrator.goals_blocked',
    `select to_jsonb(goals) as goal from goals
      where tenant = $1 and status = 'blocked' and ($2::uuid is null or goal_id = $2)
        and ($3::uuid is null or execution_id = $3)
      order by coalesce(last_check_at, created_at) desc limit $4`,
    [tenant, by.approvalId ?? null, by.executionId ?? null, by.limit],
  )
  return rows.map(({ goal }) => goal)
}

/** @returns the goal; undefined if it is not blocked */
export async function closeReview(
  db: Database,
  { tenant }: Principal,
  goalId: string,
  decision: 'retry' | 'cancel',
): Promise<GoalRow[]> {
  const rows = await db.query<{ goal: GoalRow }>(
    `orchestrator.goal_settle_${decision}`,
    decision === 'retry'
      ? `update goals set remedies = '[]', status = 'active', next_check_at = now(), why = null, paused = false
          where tenant = $1 and goal_id = $2 and status = 'blocked' returning to_jsonb(goals) as goal`
      : `delete from goals where tenant = $1 and goal_id = $2 and status = 'blocked' returning to_jsonb(goals) as goal`,
    [tenant, goalId],
  )
  return rows.map(({ goal }) => goal)
}

export async function dropGoal(db: Database, { tenant }: Principal, name: string): Promise<boolean> {
  const rows = await db.query(
    'orchestrator.goal_delete',
    `delete from goals where tenant = $1 and name = $2 returning name`,
    [tenant, name],
  )
  return rows.length > 0
}

/** Claims goals that are due; no other replica gets them. */
export async function claimGoals(db: Database, max: number): Promise<GoalRow[]> {
  const rows = await db.query<{ goal: GoalRow }>(
    'orchestrator.goals_claim',
    `update goals g set checks = checks + 1, next_check_at = now() + make_interval(secs => ${CHECK_MS_MAX / 1_000})
       from (select goal_id from goals where status <> 'blocked' and not paused and next_check_at <= now()
              order by next_check_at limit $1 for update skip locked) due
      where g.goal_id = due.goal_id
     returning to_jsonb(g) as goal`,
    [max],
  )
  return rows.map(({ goal }) => goal)
}

export type GoalChange = Partial<
  Pick<
    GoalRow,
    | 'status'
    | 'why'
    | 'agreed'
    | 'execution_id'
    | 'execution_open'
    | 'last_check_at'
    | 'last_outcome'
    | 'last_seen'
    | 'drifts'
    | 'last_drift_at'
    | 'remedies'
    | 'next_check_at'
  >
>

/** Stores the result of a check. @returns false if the claim has expired, or the goal was replaced */
export async function storeCheck(db: Database, goal: GoalRow, change: GoalChange): Promise<boolean> {
  const next = { ...goal, ...change }
  const rows = await db.query(
    'orchestrator.goal_looked',
    `update goals set status = $3, why = $4, agreed = $5, execution_id = $6, execution_open = $7, last_check_at = $8,
       last_outcome = $9, last_seen = $10, drifts = $11, last_drift_at = $12, remedies = $13, next_check_at = $14
      where goal_id = $1 and checks = $2 returning name`,
    [
      goal.goal_id,
      goal.checks,
      next.status,
      next.why,
      next.agreed === null ? null : JSON.stringify(next.agreed),
      next.execution_id,
      next.execution_open,
      next.last_check_at,
      next.last_outcome,
      next.last_seen,
      next.drifts,
      next.last_drift_at,
      JSON.stringify(next.remedies),
      next.next_check_at,
    ],
  )
  return rows.length > 0
}

/** The goal that an execution belongs to, if any. */
export async function goalOfExecution(db: Database, id: ExecutionId): Promise<GoalRow | undefined> {
  const [row] = await db.query<{ goal: GoalRow }>(
    'orchestrator.goal_of',
    `select to_jsonb(goals) as goal from goals where execution_id = $1`,
    [id],
  )
  return row?.goal
}

export interface Remedy {
  execution_id: ExecutionId
  /** RFC 3339. */
  at: string
}
