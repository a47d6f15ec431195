/** What can happen to an execution, and within which limits its next steps are taken. */
import type { ActionResult } from '@deed/proto/action'
import type { ErrorBody, ErrorCode } from '@deed/proto/errors'
import type { ApprovalId, FencingToken, TaskId } from '@deed/proto/ids'
import type { Evidence } from '@deed/proto/observation'
import type { PersonDecision } from '@deed/proto/person'
import type { TaskReport } from '@deed/proto/task'
import type { ApprovalRow, ExecutionRow, PlanRow, TaskRow } from '../snapshot.ts'

/** Work found for an execution: tasks, the approvals they wait for, and how their results are told. */
export interface Work {
  tasks: TaskRow[]
  approvals: ApprovalRow[]
  plan: PlanRow
}

export type Input =
  | { type: 'planned'; work: Work; found: Partial<ExecutionRow> }
  | { type: 'answered'; found: Partial<ExecutionRow>; evidence: Evidence[] }
  | { type: 'plan_failed'; error: ErrorBody; found: Partial<ExecutionRow> }
  /** `solved` is the work that the report's solution came to. */
  | { type: 'reported'; report: TaskReport; solved?: Work; refused?: ErrorBody }
  /** The target was not as the plan expected, as `report` says; the task, sealed anew. */
  | { type: 'replanned'; taskId: TaskId; token: FencingToken; task: Partial<TaskRow>; work: Work; report?: TaskReport }
  | ({ type: 'looked' } & Looked)
  | { type: 'decided'; approvalId: ApprovalId; approve: boolean; by: string; reason: string | null }
  | { type: 'refused'; approvalId: ApprovalId; approve: boolean; by: string; code: ErrorCode }
  /** `again`: of a task that is tried again, where that needs another agreement. */
  | ({ type: 'resolved'; again?: Agreement } & Resolution)
  | { type: 'cancelled'; reason: string | null; undo: boolean; by: string }
  /** `taskIds`: these alone. */
  | { type: 'rolled_back'; reason: string | null; by: string; taskIds?: readonly TaskId[] }
  /** Somebody must agree to the rollback first. */
  | { type: 'undo_asked'; task: TaskRow; approval: ApprovalRow }
  | { type: 'paused' | 'resumed'; reason: string | null; by: string }
  | { type: 'retried'; reason: string | null; by: string; again?: Agreement }
  | { type: 'tick' }

/** What is so now of a step that is to be agreed to by itself. */
export interface Looked {
  approvalId: ApprovalId
  /** The step sealed anew, where it is not as it was shown; without an approval in its work there is nothing to agree to. */
  anew?: { taskId: TaskId; task: Resealed; work: Work }
}

/** What is sealed of a task. */
export type Resealed = Pick<TaskRow, 'spec' | 'action_hash' | 'level' | 'approval_id'>

/** Tasks sealed again, and the approvals that they wait for. */
export interface Agreement {
  tasks: readonly (Resealed & Pick<TaskRow, 'task_id' | 'dependencies'>)[]
  work: Work
}

/** What a person makes of a task that is theirs. */
export interface Resolution {
  taskId: TaskId
  decision: PersonDecision
  by: string
  reason: string | null
  result: ActionResult | null
}

export interface Limits {
  leaseMs: number
  autoRollback: boolean
  /** Of the policy that is in force: what was agreed to under another one is void. */
  policyVersion: string
  /** Takes a free slot, or remembers that the execution waits for one. */
  takeSlot(task: TaskRow, execution: ExecutionRow): boolean
  /** Whether a task may begin on a target now; where not, the execution is woken when it may. */
  mayBegin(target: string, execution: ExecutionRow): boolean
  /** To be told when one does. */
  began(target: string): void
  /** Whether nothing else is known to run under any of these keys. */
  keysFree(keys: readonly string[]): boolean
  /** Whether somebody can be asked for it, now that it is its turn; where it is to be looked at first, that is begun. */
  mayAsk(approval: ApprovalRow, asking: TaskRow): boolean
  /** 0 to 1. */
  random(): number
}
