/** A person approved or denied. */
import { DeedError, type ErrorCode } from '@deed/proto/errors'
import type { JsonObject } from '@deed/proto/json'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { type Draft, record, setActual, setApproval } from '../execution/draft.ts'
import { isoTime } from '../execution/iso-time.ts'
import { signed } from '../execution/signed.ts'
import { consume } from './consume-approval.ts'
import { end, rolledBack } from './ending.ts'
import type { ApprovalDecision, Limits } from './input.ts'
import { checkUndo, closeTask, undoRequestOf } from './undo-requested.ts'

export function decided(
  draft: Draft,
  { approvalId, approve, by, reason, confirmed }: ApprovalDecision & { reason: string | null },
  { policyVersion }: Pick<Limits, 'policyVersion'>,
): void {
  const approval = draft.approvals.get(approvalId)
  if (approval?.asked_at === null) {
    throw new DeedError('not_found', 'this approval is not open yet: earlier steps are not done')
  }
  if (!approval)
    throw new DeedError('not_found', `there is no approval ${approvalId}; \`deed get approvals\` lists them`)
  if (approval.status === 'expired' || Date.parse(approval.expires_at) <= draft.now) {
    throw new DeedError('approval_expired', 'the approval has expired; submit the task again')
  }
  if (approval.status !== 'pending') {
    throw new DeedError('approval_already_used', `the approval is already ${approval.status}`)
  }
  const task = draft.tasks.get(approval.task_id)
  const undo = task && undoRequestOf(task)
  if (undo && approve) checkUndo(draft, approval, undo, policyVersion)
  setApproval(draft, approval, {
    status: approve ? 'approved' : 'denied',
    decided_by: by,
    reason,
    decided_at: isoTime(draft.now),
  })
  record(
    draft,
    'approval.decided',
    { ...auditOf({ approvalId, approve, by, confirmed }), reason, plan_hash: approval.plan_hash },
    approval.task_id,
  )
  if (!approve) {
    // The execution keeps its final status.
    if (task && undo) return closeTask(draft, task)
    return end(draft, 'denied', {
      code: 'approval_denied',
      message: `${by} denied it${reason === null ? '' : `: ${reason}`}`,
      retryable: false,
    })
  }
  if (!task) return
  setActual(draft, task, {
    actual_status: 'done',
    finished_at: isoTime(draft.now),
    verification: signed({
      claimed: 'approval required',
      observed: `approved by ${by}`,
      at: draft.now,
      facts: { approval_id: approvalId, plan_hash: approval.plan_hash, policy_version: approval.policy_version },
    }),
  })
  if (!undo) return
  consume(draft, approval)
  rolledBack(draft, { reason: undo.reason, by: undo.by, ...(undo.undo === null ? {} : { taskIds: undo.undo }) })
}

/** An unauthorised decision changes nothing, and is audited. */
export function refused(draft: Draft, { code, ...decision }: ApprovalDecision & { code: ErrorCode }): void {
  const taskId = draft.approvals.get(decision.approvalId)?.task_id ?? null
  record(draft, 'approval.refused', { ...auditOf(decision), code }, taskId)
}

const auditOf = ({ approvalId, approve, by, confirmed }: ApprovalDecision): JsonObject => ({
  ...{ approval_id: approvalId, decision: approve ? 'approve' : 'deny', by },
  ...(confirmed === undefined ? {} : { channel: confirmed.channel, factor: confirmed.factor }),
})

/** A grant was revoked, or has expired, before it was used: a person is asked instead. */
export function recall(draft: Draft): void {
  const { ending, status } = draft.execution
  // Nobody is asked about an execution that has ended.
  if (ending !== null || FINAL_EXECUTION_STATUSES.has(status)) return
  for (const approval of draft.approvals.values()) {
    if (approval.status !== 'approved' || !approval.grant_over) continue
    const { approval_id, grant_id, task_id } = approval
    record(draft, 'approval.recalled', { approval_id, grant_id }, task_id)
    approval.grant_over = false
    setApproval(draft, approval, {
      status: 'pending',
      grant_id: null,
      decided_by: null,
      reason: null,
      decided_at: null,
      asked_at: null,
    })
    const task = draft.tasks.get(task_id)
    if (task) setActual(draft, task, { actual_status: 'pending', verification: null, finished_at: null })
  }
}
