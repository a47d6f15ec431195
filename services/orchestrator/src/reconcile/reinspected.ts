/** A step was inspected again when its approval was due. */
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { type Draft, record, setActual, setApproval, setDesired } from '../execution/draft.ts'
import { isoTime } from '../execution/iso-time.ts'
import type { Reinspected } from './input.ts'
import { askFor } from './next-steps.ts'

export function reinspected(draft: Draft, { approvalId, resealed }: Reinspected): void {
  const { execution, approvals, tasks } = draft
  const approval = approvals.get(approvalId)
  // Two replicas have inspected it, or the approval is no longer needed.
  if (approval?.status !== 'pending' || approval.asked_at !== null) return
  if (execution.ending !== null || FINAL_EXECUTION_STATUSES.has(execution.status)) return
  if (!resealed) return askFor(draft, approval)
  const step = tasks.get(resealed.taskId)
  const asking = tasks.get(approval.task_id)
  if (step?.approval_id !== approvalId || step.actual_status !== 'pending' || !asking) return
  const { spec, action_hash, level } = resealed.task
  record(draft, 'task.replanned', { name: step.name, level, action_hash }, step.task_id)
  const [shown] = resealed.work.approvals
  if (shown) {
    setDesired(draft, step, { spec, action_hash })
    // Nobody has seen the earlier version under this id.
    const { sealed, actions, plan_hash } = shown
    setApproval(draft, approval, { sealed, actions, plan_hash })
    return askFor(draft, approval)
  }
  // It already holds: no approval is needed.
  setDesired(draft, step, { spec, action_hash, level, approval_id: null })
  setApproval(draft, approval, { status: 'cancelled' })
  setActual(draft, asking, { actual_status: 'skipped', finished_at: isoTime(draft.now) })
}
