/** Decides a person's task: checks permission, and applies the decision. */
import type { ActionResult } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import type { ApprovalId, ExecutionId, Principal, TaskId } from '@deed/proto/ids'
import type { PersonDecision } from '@deed/proto/person'
import { decideGoal } from '../goals/goal-review.ts'
import { newApprovalsFor, type Retrying } from '../planning/agree-again.ts'
import { levelOfApprover, maySelfApprove } from '../policy/policy.ts'
import { readPersonTasks } from '../store/person-tasks.ts'
import type { Deciding } from './decide.ts'

/** With these decisions a person vouches for something unobserved. */
const VOUCHES: ReadonlySet<PersonDecision> = new Set(['skip', 'provide'])

/**
 * @throws {DeedError} `not_found`, `approval_already_used`, `self_approval`, `forbidden`; `invalid_request` naming the
 *   allowed decisions
 */
export async function decideTask(
  { db, driver, policy, planning }: Deciding & Retrying,
  principal: Principal,
  {
    approvalId,
    decision,
    reason,
    result,
  }: { approvalId: ApprovalId; decision: PersonDecision; reason: string | null; result: ActionResult | null },
): Promise<{ approval_id: ApprovalId; execution_id: ExecutionId; status: 'resolved' | 'denied' | 'cancelled' }> {
  const [task] = await readPersonTasks(db, principal, { approvalId, openOnly: false, limit: 1 })
  if (!task) return decideGoal(db, principal, { approvalId, decision })
  const { execution_id: executionId, requested_by: requester, about } = task
  const level = about?.level ?? 0
  if (VOUCHES.has(decision) && !maySelfApprove(policy, level, principal.user, requester)) {
    throw new DeedError('self_approval', `level ${level} requires somebody other than the requester to vouch for it`, {
      executionId,
    })
  }
  if (levelOfApprover(policy, principal.user) < level) {
    throw new DeedError('forbidden', `${principal.user} may not decide on level ${level}; ask another approver`, {
      executionId,
    })
  }
  const taskId = String(approvalId) as TaskId
  const resolution = { taskId, decision, by: principal.user, reason, result }
  const again = await newApprovalsFor({ driver, planning }, executionId, resolution)
  await driver.apply(executionId, { type: 'resolved', ...resolution, ...again })
  const status = decision === 'deny' ? 'denied' : decision === 'cancel' ? 'cancelled' : 'resolved'
  return { approval_id: approvalId, execution_id: executionId, status }
}
