/** The inputs of an execution, and the environment of its next steps. */
import type { ActionResult } from '@deed/proto/action'
import type { Confirmation } from '@deed/proto/approval'
import type { Decision } from '@deed/proto/decision'
import type { ErrorBody, ErrorCode } from '@deed/proto/errors'
import type { ApprovalId, FencingToken, TaskId } from '@deed/proto/ids'
import type { Evidence } from '@deed/proto/observation'
import type { PersonDecision } from '@deed/proto/person'
import type { TaskReport } from '@deed/proto/task'
import type { Chosen } from '../execution/person-task.ts'
import type { ApprovalRow, ExecutionRow, TaskRow, Work } from '../execution/snapshot.ts'

export type Input =
  | { type: 'planned'; work: Work; found: Partial<ExecutionRow> }
  | { type: 'answered'; found: Partial<ExecutionRow>; evidence: Evidence[] }
  | { type: 'plan_failed'; error: ErrorBody; found: Partial<ExecutionRow> }
  /** `solved` is the work from the report's solution. */
  | { type: 'reported'; report: TaskReport; solved?: Work; refused?: ErrorBody }
  /** The target was not as the plan expected, as `report` says; the task, sealed again. */
  | { type: 'replanned'; taskId: TaskId; token: FencingToken; task: Partial<TaskRow>; work: Work; report?: TaskReport }
  | ({ type: 'reinspected' } & Reinspected)
  | ({ type: 'decided'; reason: string | null } & ApprovalDecision)
  | ({ type: 'refused'; code: ErrorCode } & ApprovalDecision)
  /** `again`: the new approval of a task that is retried, if it needs one. */
  | ({ type: 'resolved'; again?: NewApprovals } & Resolution)
  | ({ type: 'chosen' } & Answered)
  | ({ type: 'decision' } & MadeDecision)
  | { type: 'cancelled'; reason: string | null; undo: boolean; by: string }
  /** `taskIds`: only these. */
  | { type: 'rolled_back'; reason: string | null; by: string; taskIds?: readonly TaskId[] }
  /** The rollback must be approved first. */
  | { type: 'undo_asked'; task: TaskRow; approval: ApprovalRow }
  | { type: 'paused'; reason: string | null; by: string }
  /** `budgetMicrousd`: what models may cost from now on, all in all. */
  | { type: 'resumed'; reason: string | null; by: string; budgetMicrousd?: number }
  | { type: 'retried'; reason: string | null; by: string; again?: NewApprovals }
  | { type: 'tick' }

/** A person's decision on an approval. */
export interface ApprovalDecision {
  approvalId: ApprovalId
  approve: boolean
  by: string
  /** Absent where no person is asked: a goal's approver agreed before. */
  confirmed?: Pick<Confirmation, 'channel' | 'factor'> | undefined
}

/** The current state of a step that needs its own approval. */
export interface Reinspected {
  approvalId: ApprovalId
  /** The step sealed again, if it differs from what was shown; without an approval in its work, none is needed. */
  resealed?: { taskId: TaskId; task: Resealed; work: Work }
}

/** The sealed fields of a task. */
export type Resealed = Pick<TaskRow, 'spec' | 'action_hash' | 'level' | 'approval_id'>

/** Tasks sealed again, with their approvals. */
export interface NewApprovals {
  tasks: readonly (Resealed & Pick<TaskRow, 'task_id' | 'dependencies'>)[]
  work: Work
}

/** What the organization says of the decision of a task. */
export interface MadeDecision {
  taskId: TaskId
  /** When the task began that it was proposed for. */
  startedAt: string
  made: Decision | { refused: ErrorBody }
}

/** A person's decision on a task of theirs. */
export interface Resolution {
  taskId: TaskId
  decision: PersonDecision
  by: string
  reason: string | null
  result: ActionResult | null
}

/** The answer to a question about the words of a task. */
export interface Answered {
  taskId: TaskId
  by: string
  reason: string | null
  chosen: Chosen
  /** What the words mean now, for people. */
  reading: string
  /** The new words are asked about: the next question. */
  next?: TaskRow
  /** The new words have been asked about too often. */
  refused?: ErrorBody
  /** With the last answer: the plan. */
  plan?: { work: Work; found: Partial<ExecutionRow> }
}

export interface Limits {
  leaseMs: number
  autoRollback: boolean
  /** The version of the current policy: approvals under another version are void. */
  policyVersion: string
  /** Takes a free slot, or remembers that the execution waits for one. */
  takeSlot(task: TaskRow, execution: ExecutionRow): boolean
  /** Whether a task may begin on a target now; if not, the execution is resumed when it may. */
  mayBegin(target: string, execution: ExecutionRow, task: TaskRow): boolean
  /** Called when a task begins on a target. */
  began(target: string): void
  /** Whether nothing else is known to run under any of these keys. */
  keysFree(keys: readonly string[]): boolean
  /**
   * Whether the approval can be requested, now that it is its turn; if it must be inspected first, the inspection
   * begins.
   */
  mayAsk(approval: ApprovalRow, asking: TaskRow): boolean
  /** Called for a task that waits for a decision of the organization. */
  propose(task: TaskRow): void
  /** 0 to 1. */
  random(): number
}
