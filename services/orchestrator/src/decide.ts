/** One decision of one person: who may, on what, and what becomes of it. Every way to decide leads through here. */
import { DeedError, type ErrorCode } from '@deed/proto/errors'
import type { ApprovalId, ExecutionId, Principal } from '@deed/proto/ids'
import type { ApprovalStatus } from '@deed/proto/states'
import type { Driver } from './drive.ts'
import { levelOfApprover, maySelfApprove, type Policy } from './planning/policy.ts'
import { readApproval } from './store/approvals.ts'
import type { Database } from './store/schema.ts'

export interface Deciding {
  db: Database
  driver: Driver
  policy: Policy
}

export interface Decision {
  approvalId: ApprovalId
  approve: boolean
  reason: string | null
  /** Of what was looked at; undefined: nobody says. */
  planHash: string | undefined
  /** From this level on it is refused: each such step is looked at by itself. */
  levelMax?: number
}

/**
 * @throws {DeedError} `not_found`, `approval_mismatch`, `approval_expired`, `approval_already_used`; `self_approval` and
 *   `forbidden`, which are on record
 */
export async function decide(
  { db, driver, policy }: Deciding,
  principal: Principal,
  { approvalId, approve, reason, planHash, levelMax = 3 }: Decision,
): Promise<{ approval_id: ApprovalId; execution_id: ExecutionId; status: ApprovalStatus }> {
  const approval = await readApproval(db, principal, approvalId)
  if (!approval) throw new DeedError('not_found', 'there is no such approval; `deed get approvals` lists them')
  const { execution_id: executionId, level, requested_by: requester, owner } = approval
  if (planHash !== undefined && planHash !== approval.plan_hash) {
    throw new DeedError('approval_mismatch', 'the plan is another than the one that was looked at; look again', {
      path: '$.plan_hash',
      executionId,
    })
  }
  if (level > levelMax) {
    throw new DeedError('invalid_request', `a step of level ${level} is decided by itself, not with others`, {
      executionId,
    })
  }
  const refuse = async (code: ErrorCode, message: string): Promise<never> => {
    await driver.apply(executionId, { type: 'refused', approvalId, approve, by: principal.user, code })
    throw new DeedError(code, message, { executionId })
  }
  if (approve && !maySelfApprove(policy, level, principal.user, requester)) {
    await refuse('self_approval', `level ${level} needs somebody else than the requester to agree`)
  }
  // Who wants another's work undone or done again has no say of their own in it, whatever policy allows for own work.
  if (approve && principal.user === requester && requester !== owner) {
    await refuse('self_approval', `${owner} asked for the execution: somebody else than ${requester} must agree`)
  }
  if (levelOfApprover(policy, principal.user) < level) {
    await refuse('forbidden', `${principal.user} may not decide on level ${level}; somebody else must`)
  }
  const { approvals } = await driver.apply(executionId, {
    type: 'decided',
    approvalId,
    approve,
    by: principal.user,
    reason,
  })
  return { approval_id: approvalId, execution_id: executionId, status: approvals.get(approvalId)?.status ?? 'pending' }
}
