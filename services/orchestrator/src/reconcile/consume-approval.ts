/** An approval is used once. */
import { type Draft, record, setApproval } from '../execution/draft.ts'
import { isoTime } from '../execution/iso-time.ts'
import type { ApprovalRow } from '../execution/snapshot.ts'

/** A consumed approval starts nothing else. */
export function consume(draft: Draft, approval: ApprovalRow): void {
  const { approval_id, plan_hash, task_id } = approval
  setApproval(draft, approval, { status: 'used', consumed_at: isoTime(draft.now) })
  draft.consumed.add(approval_id)
  record(draft, 'approval.used', { approval_id, plan_hash }, task_id)
}
