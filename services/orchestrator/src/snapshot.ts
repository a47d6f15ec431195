/**
 * An execution with its tasks and approvals, as the rows have it: what the reconciler decides on.
 *
 * Field names and forms are the columns'; times are ISO 8601, so that a row travels to PostgreSQL
 * and back as JSON without a translation.
 */
import type { Action, ActionResult, Intent } from '@deed/proto/action'
import type { AgentTask, AnswerFormat } from '@deed/proto/agent'
import type { PlanScreen, SealedStep } from '@deed/proto/approval'
import type { ErrorBody } from '@deed/proto/errors'
import type { EventType, ExecutionRequest } from '@deed/proto/execution'
import type { ApprovalId, ExecutionId, GrantId, TaskId } from '@deed/proto/ids'
import type { JsonObject } from '@deed/proto/json'
import type { Evidence } from '@deed/proto/observation'
import type {
  ApprovalStatus,
  Capability,
  DesiredStatus,
  ExecutionStatus,
  Method,
  TaskKind,
  TaskStatus,
} from '@deed/proto/states'

/** What an execution becomes once nothing is left to undo. */
export type Ending = 'done' | 'failed' | 'denied' | 'cancelled' | 'rolled_back'

export interface ExecutionRow {
  tenant: string
  execution_id: ExecutionId
  user_name: string
  idempotency_key: string | null
  request_hash: string
  request: ExecutionRequest
  /** The `traceparent` of the execution's root span. */
  trace: string
  status: ExecutionStatus
  ending: Ending | null
  version: number
  method: Method | null
  model_used: string | null
  template_used: string | null
  template_version: number | null
  tokens_used: number
  cost_microusd: number
  cache_hit: boolean
  degraded: string[]
  result: ActionResult | null
  error: ErrorBody | null
  cited: Evidence[] | null
  /** Whether what was done is what the task asks for; of meaning once it is done. */
  task_verified: boolean
  audit_seq: number
  audit_hash: string
  created_at: string
  finished_at: string | null
  next_check_at: string
  settled: boolean
  /** Since when its body is being removed: it can be neither undone nor retried. */
  pruned_at?: string | null
}

/** A row of `desired_state` and its row of `actual_state`. */
export interface TaskRow {
  tenant: string
  task_id: TaskId
  execution_id: ExecutionId
  position: number
  name: string
  title: string
  task_kind: TaskKind
  capability: Capability
  desired_status: DesiredStatus
  dependencies: TaskId[]
  /** 1 is first, 9 is last. */
  priority: number
  level: number
  approval_id: ApprovalId | null
  /** Of an act: the sealed action. Of a solve: what the model is asked. */
  spec: JsonObject | null
  action_hash: string | null
  /** Of its manifest; no two tasks of a tenant run under one at once. */
  concurrency_key: string | null
  /** What it occupies: a service, or the root of a workspace. No two tasks at all run in one at once. */
  resource_key: string | null
  replans: number
  /** Other than the request's, where its manifest says so. */
  on_failure: 'undo' | 'ask' | null
  actual_status: TaskStatus
  intent: Intent | 'solve'
  token: number
  assigned_agent: string | null
  lease_expires_at: string | null
  last_attempt: string | null
  next_attempt_at: string | null
  failure_count: number
  progress_at: string
  effect: 'none' | 'made' | 'unknown'
  last_error: ErrorBody | null
  verification: Evidence | null
  undo_verification: Evidence | null
  result: ActionResult | null
  started_at: string | null
  finished_at: string | null
}

// What a spec is was checked when it was planned; the kind of its task says which of the two it is.

/** A task of one action, which it has sealed. */
export const isAct = (task: TaskRow): task is TaskRow & { spec: Action } =>
  task.task_kind === 'act' && task.spec !== null

/** A task that a model is asked for. */
export const isSolve = (task: TaskRow): task is TaskRow & { spec: AgentTask } =>
  task.task_kind === 'solve' && task.spec !== null

export interface ApprovalRow {
  tenant: string
  approval_id: ApprovalId
  execution_id: ExecutionId
  task_id: TaskId
  level: number
  status: ApprovalStatus
  plan_hash: string
  policy_version: string
  /** The hash of each action that it covers: what an executor goes by. */
  sealed: Record<TaskId, string>
  /** The same, as the approver is shown it. */
  actions: SealedStep[]
  /** Of the plan that it belongs to. */
  plan_number: number
  /** The standing permission that agreed to it. */
  grant_id: GrantId | null
  /** That permission is over by now; never written. */
  grant_over?: boolean
  requested_by: string
  decided_by: string | null
  reason: string | null
  created_at: string
  /** Null while the steps before it are not done: nobody is asked yet, and no time runs. */
  asked_at: string | null
  decided_at: string | null
  consumed_at: string | null
  expires_at: string
}

/** How the tasks' results become one answer: a part for each node of the goal. */
export interface PlanPart {
  title: string
  answer: AnswerFormat
  tasks: TaskId[]
}

export interface PlanRow {
  number: number
  plan: { parts: PlanPart[]; screen?: PlanScreen }
  plan_hash: string
  policy_version: string
}

export interface AuditEntry {
  seq: number
  type: EventType
  at: string
  task_id: TaskId | null
  data: Record<string, unknown>
  hash: string
}

export interface Snapshot {
  execution: ExecutionRow
  /** In the order of the plan. */
  tasks: Map<TaskId, TaskRow>
  approvals: Map<ApprovalId, ApprovalRow>
  parts: PlanPart[]
  plans: number
  /** Made when it is first wanted; follows from the tasks. */
  progress?: Progress
}

/** By priority, then by what they have to share: where the first of a group cannot begin, none of it can. */
export type Ready = Map<number, Map<string, Set<TaskRow>>>

/** How far the tasks are; `reconcile/progress.ts` keeps it. */
export interface Progress {
  readonly running: Set<TaskRow>
  /** Pending, with nothing left to wait for but room, their time, or a person. */
  readonly ready: Map<Capability, Ready>
  /** Failed, and still wanted. */
  readonly failed: Set<TaskRow>
  /** To be undone, by a worker or by a person. */
  readonly undo: Set<TaskRow>
  readonly counts: { pending: number; blocked: number; undone: number }
  /** Of those in `undo` that a worker can do, newest effect last; undefined: to be sorted anew. */
  undoOrder: TaskRow[] | undefined
  readonly entries: Map<TaskId, Entry>
  /** Who waits for a task. */
  readonly dependents: Map<TaskId, TaskRow[]>
}

export interface Entry {
  /** Of its dependencies, those that are not done. */
  open: number
  dependencies: readonly TaskId[]
  satisfied: boolean
  counted: keyof Progress['counts'] | undefined
  group: Group | undefined
  /** What its place among the undone goes by; undefined: it has none. */
  undoAt: string | undefined
}

export interface Group {
  capability: Capability
  priority: number
  name: string
}
