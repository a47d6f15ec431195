/**
 * A rollback that must be approved first. The execution keeps its final status meanwhile; the approving decision begins
 * the rollback in the same step, so one approval is one rollback.
 */
import { hashJson } from '@deed/json/canonical-json'
import { DeedError } from '@deed/proto/errors'
import { TaskId } from '@deed/proto/ids'
import { z } from 'zod'
import { addTasks, type Draft, record, setActual, setApproval, setDesired } from '../execution/draft.ts'
import { isoTime } from '../execution/iso-time.ts'
import type { ApprovalRow, Snapshot, TaskRow } from '../execution/snapshot.ts'
import { toRollBack } from './roll-back.ts'

/** The requested undo, as stored with its task. */
const UndoRequest = z.object({
  /** Null: all tasks that have an effect. */
  undo: z.array(TaskId).nullable(),
  by: z.string(),
  reason: z.string().nullable(),
})
export type UndoRequest = z.output<typeof UndoRequest>

/** @returns undefined if the task requests something else, or nothing */
export const undoRequestOf = ({ task_kind, spec }: Pick<TaskRow, 'task_kind' | 'spec'>): UndoRequest | undefined =>
  task_kind === 'approve' && spec !== null ? UndoRequest.safeParse(spec).data : undefined

/** The hash of what would be undone, exactly as it was done. @throws {DeedError} as `toRollBack` */
export function undoHash(
  snapshot: Pick<Snapshot, 'execution' | 'tasks'>,
  { undo }: Pick<UndoRequest, 'undo'>,
  policyVersion: string,
): string {
  const chosen = toRollBack(snapshot, undo ?? undefined)
  const sealed = chosen.map(({ task_id, action_hash, token }) => ({ task_id, action_hash, token }))
  return hashJson({ policy_version: policyVersion, undo: sealed })
}

/** The open request, of which there is at most one. */
export const openUndo = ({ tasks, approvals }: Pick<Snapshot, 'tasks' | 'approvals'>): ApprovalRow | undefined =>
  [...approvals.values()].find(({ status, task_id }) => {
    const task = status === 'pending' ? tasks.get(task_id) : undefined
    return task !== undefined && undoRequestOf(task) !== undefined
  })

/** @throws {DeedError} as `toRollBack`; `unavailable` if the execution has changed since the request was made */
export function undoRequested(draft: Draft, { task, approval }: { task: TaskRow; approval: ApprovalRow }): void {
  const ask = undoRequestOf(task)
  if (!ask) throw new Error(`task ${task.name} requests no rollback`)
  if (undoHash(draft, ask, approval.policy_version) !== approval.plan_hash) {
    throw new DeedError('unavailable', 'the execution has changed meanwhile; try again')
  }
  const open = openUndo(draft)
  if (open?.plan_hash === approval.plan_hash && Date.parse(open.expires_at) > draft.now) return
  closeUndo(draft)
  addTasks(draft, [{ ...task }])
  draft.approvals.set(approval.approval_id, { ...approval })
  draft.approvalsChanged.add(approval.approval_id)
  const { approval_id, level, plan_hash } = approval
  record(draft, 'approval.requested', { approval_id, level, plan_hash, rollback: true, by: ask.by }, task.task_id)
}

/** Closes the open request. @param status the final status of the request */
export function closeUndo(draft: Draft, status: 'cancelled' | 'expired' = 'cancelled'): void {
  const open = openUndo(draft)
  if (!open) return
  setApproval(draft, open, { status })
  const task = draft.tasks.get(open.task_id)
  if (task) closeTask(draft, task)
}

/** The requesting task has ended without an approval. */
export function closeTask(draft: Draft, task: TaskRow): void {
  setDesired(draft, task, { desired_status: 'cancelled' })
  setActual(draft, task, { actual_status: 'cancelled', finished_at: isoTime(draft.now) })
}

/** @throws {DeedError} `approval_mismatch` if another undo than the shown one would happen, or under another policy */
export function checkUndo(draft: Draft, { plan_hash }: ApprovalRow, ask: UndoRequest, policyVersion: string): void {
  if (undoHash(draft, ask, policyVersion) === plan_hash) return
  throw new DeedError('approval_mismatch', 'the rollback has changed since it was shown; request it again')
}
