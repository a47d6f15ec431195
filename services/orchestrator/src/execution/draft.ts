/** A snapshot that is being changed, with what has to be written and done about it. */
import type { Intent } from '@deed/proto/action'
import type { EventType } from '@deed/proto/execution'
import type { ActionId, ApprovalId, FencingToken, TaskId } from '@deed/proto/ids'
import { type ExecutionStatus, FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import type { TaskReport } from '@deed/proto/task'
import { chainedHash } from './audit-chain.ts'
import { isoTime } from './iso-time.ts'
import { enterTasks, moveTask, progressOf } from './progress.ts'
import type { ApprovalRow, AuditEntry, PlanRow, Progress, Snapshot, TaskRow } from './snapshot.ts'

/** A granted attempt, which is dispatched once the grant is durable. */
export interface Lease {
  task: TaskRow
  token: FencingToken
  intent: Intent | 'solve'
  /** It was dispatched before, and may have been lost. */
  again: boolean
}

/** What a report of the executor says, as far as its ledger can contradict it. */
export interface Claim extends Pick<TaskReport, 'token' | 'worker_id' | 'intent' | 'outcome' | 'attempt_key'> {
  readonly tenant: string
  readonly action_id: ActionId
}

export interface Draft extends Snapshot {
  readonly progress: Progress
  readonly now: number
  readonly expectedVersion: number
  readonly before: ExecutionStatus
  /** Not in the tables yet. */
  readonly added: Set<TaskId>
  readonly desiredChanged: Set<TaskId>
  readonly actualChanged: Set<TaskId>
  readonly approvalsChanged: Set<ApprovalId>
  readonly consumed: Set<ApprovalId>
  readonly audit: AuditEntry[]
  readonly leases: Lease[]
  plan: PlanRow | undefined
  /** Targets that were or may have been written to, as `target:<name>`. */
  written: readonly string[]
  /** What the executor reported, which its ledger must agree with. */
  claim: Claim | undefined
  executionChanged: boolean
}

/** The draft shares the snapshot's rows: if its commit fails, the snapshot must be read again. */
export function draftOf(snapshot: Snapshot, now: number): Draft {
  snapshot.progress ??= progressOf(snapshot.tasks)
  return {
    ...snapshot,
    progress: snapshot.progress,
    now,
    expectedVersion: snapshot.execution.version,
    before: snapshot.execution.status,
    added: new Set(),
    desiredChanged: new Set(),
    actualChanged: new Set(),
    approvalsChanged: new Set(),
    consumed: new Set(),
    audit: [],
    leases: [],
    plan: undefined,
    written: [],
    claim: undefined,
    executionChanged: false,
  }
}

export const hasChanged = (draft: Draft): boolean =>
  draft.executionChanged ||
  draft.audit.length > 0 ||
  draft.actualChanged.size > 0 ||
  draft.desiredChanged.size > 0 ||
  draft.approvalsChanged.size > 0 ||
  draft.added.size > 0

export const hasEnded = (draft: Draft): boolean =>
  FINAL_EXECUTION_STATUSES.has(draft.execution.status) && !FINAL_EXECUTION_STATUSES.has(draft.before)

/** Whether it had ended, and what follows an end has to be seen to again. */
export const isOpenAgain = ({ execution, before }: Draft): boolean =>
  FINAL_EXECUTION_STATUSES.has(before) && !execution.followed_up

/** It had ended, and is worked on again. */
export const hasResumed = (draft: Draft): boolean =>
  FINAL_EXECUTION_STATUSES.has(draft.before) && !FINAL_EXECUTION_STATUSES.has(draft.execution.status)

/** Appends a transition to the execution's chain: each row's hash covers the previous one. */
export function record(
  draft: Draft,
  type: EventType,
  data: Record<string, unknown> = {},
  taskId: TaskId | null = null,
): void {
  const { execution } = draft
  const seq = execution.audit_seq + 1
  const at = isoTime(draft.now)
  const row = { execution_id: execution.execution_id, seq, type, at, task_id: taskId, data }
  const hash = chainedHash(execution.audit_hash, row)
  draft.audit.push({ seq, type, at, task_id: taskId, data, hash })
  execution.audit_seq = seq
  execution.audit_hash = hash
}

export function addTasks(draft: Draft, tasks: readonly TaskRow[]): void {
  for (const task of tasks) {
    draft.tasks.set(task.task_id, task)
    draft.added.add(task.task_id)
  }
  enterTasks(draft.progress, tasks)
}

/** Open approvals are audited when they are requested; advance approvals at once. */
export function addApprovals(draft: Draft, approvals: readonly ApprovalRow[]): void {
  for (const approval of approvals) {
    draft.approvals.set(approval.approval_id, approval)
    draft.approvalsChanged.add(approval.approval_id)
    if (approval.status !== 'approved') continue
    const { approval_id, grant_id, decided_by: by, plan_hash } = approval
    record(draft, 'approval.decided', { approval_id, decision: 'approve', by, grant_id, plan_hash }, approval.task_id)
  }
}

export function setActual(draft: Draft, task: TaskRow, change: Partial<TaskRow>): void {
  Object.assign(task, change)
  if (!draft.added.has(task.task_id)) draft.actualChanged.add(task.task_id)
  moveTask(draft.progress, task)
}

export function setDesired(draft: Draft, task: TaskRow, change: Partial<TaskRow>): void {
  Object.assign(task, change)
  if (!draft.added.has(task.task_id)) draft.desiredChanged.add(task.task_id)
  moveTask(draft.progress, task)
}

export function setApproval(draft: Draft, approval: ApprovalRow, change: Partial<ApprovalRow>): void {
  Object.assign(approval, change)
  draft.approvalsChanged.add(approval.approval_id)
}
