/**
 * An execution with its tasks and approvals, as stored: the input of the reconciler.
 *
 * Fields have the names and forms of the columns; times are ISO 8601, so that a row travels to PostgreSQL and back as
 * JSON unchanged.
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
import type { OpenSpan } from '@deed/telemetry/span'
import type { Trace } from '@deed/telemetry/trace-context'

/** The final status of an execution once nothing is left to undo. */
export type Ending = 'done' | 'failed' | 'denied' | 'cancelled' | 'rolled_back'

export interface ExecutionRow {
  tenant: string
  execution_id: ExecutionId
  user_name: string
  idempotency_key: string | null
  request_hash: string
  request: ExecutionRequest
  /** Of the execution's root span, with its id. */
  trace: Trace
  /** The root span, which ends with the execution. Null if the caller was answered at once. */
  root: OpenSpan | null
  status: ExecutionStatus
  ending: Ending | null
  version: number
  method: Method | null
  model_used: string | null
  template_used: string | null
  template_version: number | null
  tokens_used: number
  cost_microusd: number
  /** What models may cost, since it was resumed with another budget; null: as requested. */
  budget_microusd: number | null
  cache_hit: boolean
  duplicate_effects: number
  degraded: string[]
  result: ActionResult | null
  error: ErrorBody | null
  cited: Evidence[] | null
  /** Whether the result is what the task asks for; meaningful once it is done. */
  task_verified: boolean
  audit_seq: number
  audit_hash: string
  created_at: string
  finished_at: string | null
  next_check_at: string
  followed_up: boolean
  /** When the removal of its body began: from then on it can be neither undone nor retried. */
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
  /** Of an act: the sealed action. Of a solve: the question for a model. Of a choose: the question for a person. */
  spec: JsonObject | null
  action_hash: string | null
  /** From its manifest; no two tasks of a tenant run under the same key at once. */
  concurrency_key: string | null
  /**
   * The resource that it occupies: a service, or the root of a workspace. No two tasks of any tenant occupy one at
   * once.
   */
  resource_key: string | null
  replans: number
  /** Overrides the request's, if its manifest says so. */
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

// A spec is validated at planning; the kind of its task says which of the two it is.

/** A task with one action, which it has sealed. */
export type ActRow = TaskRow & { spec: Action }

export const isAct = (task: TaskRow): task is ActRow => task.task_kind === 'act' && task.spec !== null

/** A task for a model. */
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
  /** The hash of each action that it covers, which the executor checks. */
  sealed: Record<TaskId, string>
  /** The same actions, as they are shown to the approver. */
  actions: SealedStep[]
  /** Of the plan that it belongs to. */
  plan_number: number
  /** The grant that approved it. */
  grant_id: GrantId | null
  /** The grant is no longer valid; never stored. */
  grant_over?: boolean
  requested_by: string
  decided_by: string | null
  reason: string | null
  created_at: string
  /** Null while the steps before it are not done: it is not requested yet, and its time does not run. */
  asked_at: string | null
  decided_at: string | null
  consumed_at: string | null
  expires_at: string
}

/** How the tasks' results become one answer: a part for each node of the goal. */
export interface PlanPart {
  title: string
  /** Of the node, if they are longer than its title. */
  words?: string
  answer: AnswerFormat
  tasks: TaskId[]
  /** What the words were understood as, where a rule does not know them as they are. */
  reading?: string
  /** Acceptance criteria that no rule can observe. */
  unchecked?: readonly string[]
}

export interface PlanRow {
  number: number
  /** `nodes`: of a plan whose words are asked about, what is known until all of it is. */
  plan: { parts: PlanPart[]; screen?: PlanScreen; nodes?: JsonObject[] }
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
  /** In plan order. */
  tasks: Map<TaskId, TaskRow>
  approvals: Map<ApprovalId, ApprovalRow>
  parts: PlanPart[]
  plans: number
  /** Built on first use; derived from the tasks. */
  progress?: Progress
}

/** By priority, then by shared key: if the first of a group cannot begin, none can. */
export type Ready = Map<number, Map<string, Set<TaskRow>>>

/** Progress of the tasks; `reconcile/progress.ts` maintains it. */
export interface Progress {
  readonly running: Set<TaskRow>
  /** Pending, waiting only for a slot, their time, or a person. */
  readonly ready: Map<Capability, Ready>
  /** Failed, and still to be done. */
  readonly failed: Set<TaskRow>
  /** To be undone, by a worker or by a person. */
  readonly undo: Set<TaskRow>
  readonly counts: { pending: number; blocked: number; undone: number }
  /** Those of `undo` that a worker can undo, newest effect last; undefined: must be sorted again. */
  undoOrder: TaskRow[] | undefined
  readonly entries: Map<TaskId, Entry>
  /** The dependents of each task. */
  readonly dependents: Map<TaskId, TaskRow[]>
}

export interface Entry {
  /** The number of its unfinished dependencies. */
  open: number
  dependencies: readonly TaskId[]
  satisfied: boolean
  counted: keyof Progress['counts'] | undefined
  group: Group | undefined
  /** Its sort key among the tasks to undo; undefined: it is not one of them. */
  undoAt: string | undefined
}

export interface Group {
  capability: Capability
  priority: number
  name: string
}

/** Work found for an execution: tasks, their approvals, and the parts of its answer. */
export interface Work {
  tasks: TaskRow[]
  approvals: ApprovalRow[]
  plan: PlanRow
}
