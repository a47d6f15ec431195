/** A person agreed, or did not. */
import { DeedError } from '@deed/proto/errors'
import type { ApprovalId } from '@deed/proto/ids'
import { type Draft, isoTime, record, setActual, setApproval } from './draft.ts'
import { end } from './ending.ts'

export function decided(
  draft: Draft,
  { approvalId, approve, by, reason }: { approvalId: ApprovalId; approve: boolean; by: string; reason: string | null },
): void {
  const approval = draft.approvals.get(approvalId)
  if (!approval) throw new DeedError('not_found', `there is no approval ${approvalId}`)
  if (approval.status === 'expired' || Date.parse(approval.expires_at) <= draft.now) {
    throw new DeedError('approval_expired', 'the approval has expired; ask for the task again')
  }
  if (approval.status !== 'pending') {
    throw new DeedError('approval_already_used', `the approval is ${approval.status} already`)
  }
  const task = draft.tasks.get(approval.task_id)
  setApproval(draft, approval, {
    status: approve ? 'approved' : 'denied',
    decided_by: by,
    reason,
    decided_at: isoTime(draft.now),
  })
  record(
    draft,
    'approval.decided',
    { approval_id: approvalId, decision: approve ? 'approve' : 'deny', by, reason, plan_hash: approval.plan_hash },
    approval.task_id,
  )
  if (!approve) {
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
    verification: {
      kind: 'signed',
      outcome: 'verified',
      claimed: 'approval wanted',
      observed: `approved by ${by}`,
      observed_at: isoTime(draft.now),
      facts: { approval_id: approvalId, plan_hash: approval.plan_hash, policy_version: approval.policy_version },
    },
  })
}
