/** One decision of one person: checks permission and target, and applies it. Every way to decide leads through here. */
import { timingSafeEqual } from 'node:crypto'
import { Confirmation, TYPED_CHARS, TYPED_FROM_LEVEL } from '@deed/proto/approval'
import { DeedError, type ErrorCode } from '@deed/proto/errors'
import type { ApprovalId, ExecutionId, Principal } from '@deed/proto/ids'
import type { ApprovalStatus } from '@deed/proto/states'
import type { Driver } from '../dispatch/drive.ts'
import { levelOfApprover, maySelfApprove, type Policy } from '../policy/policy.ts'
import { readApproval } from '../store/approvals.ts'
import type { Database } from '../store/schema.ts'

export interface Deciding {
  db: Database
  driver: Driver
  policy: Policy
}

export interface Decision {
  approvalId: ApprovalId
  approve: boolean
  reason: string | null
  /** The plan that the person saw; undefined if they do not say. */
  planHash: string | undefined
  /** Undefined: a client of NATS that says nothing about it. */
  confirmation: Confirmation | undefined
  /** Decisions from this level on are refused: such steps must be decided one by one. */
  levelMax?: number
}

/**
 * @throws {DeedError} `not_found`, `approval_expired`, `approval_already_used`; `approval_mismatch`, `self_approval` and
 *   `forbidden`, which are audited
 */
export async function decide(
  { db, driver, policy }: Deciding,
  principal: Principal,
  { approvalId, approve, reason, planHash, confirmation = Confirmation.parse({}), levelMax = 3 }: Decision,
): Promise<{ approval_id: ApprovalId; execution_id: ExecutionId; status: ApprovalStatus }> {
  const approval = await readApproval(db, principal, approvalId)
  if (!approval) throw new DeedError('not_found', 'there is no such approval; `deed get approvals` lists them')
  const { execution_id: executionId, level, requested_by: requester, owner } = approval
  if (level > levelMax) {
    throw new DeedError('invalid_request', `a step of level ${level} must be decided on its own`, {
      executionId,
    })
  }
  const decision = { approvalId, approve, by: principal.user, confirmed: confirmation }
  const refuse = async (code: ErrorCode, message: string, path?: string): Promise<never> => {
    await driver.apply(executionId, { type: 'refused', ...decision, code })
    throw new DeedError(code, message, { executionId, ...(path === undefined ? {} : { path }) })
  }
  if (planHash !== undefined && planHash !== approval.plan_hash) {
    await refuse('approval_mismatch', 'the plan has changed since it was shown; review the new plan', '$.plan_hash')
  }
  if (approve && level >= TYPED_FROM_LEVEL && !isConfirmed(confirmation, approval.plan_hash, planHash)) {
    const message = `type the first ${TYPED_CHARS} characters of the plan's hash, as the plan is shown now, or use a passkey, to approve level ${level}`
    await refuse('approval_mismatch', message, '$.confirmation.typed')
  }
  if (approve && !maySelfApprove(policy, level, principal.user, requester)) {
    await refuse('self_approval', `level ${level} requires the approval of somebody other than the requester`)
  }
  // A person who undoes or repeats another's work must not approve it, even if policy allows approving one's own work.
  if (approve && principal.user === requester && requester !== owner) {
    await refuse('self_approval', `${owner} requested the execution: somebody other than ${requester} must approve`)
  }
  if (levelOfApprover(policy, principal.user) < level) {
    await refuse('forbidden', `${principal.user} may not decide on level ${level}; ask another approver`)
  }
  const { approvals } = await driver.apply(executionId, { type: 'decided', ...decision, reason })
  return { approval_id: approvalId, execution_id: executionId, status: approvals.get(approvalId)?.status ?? 'pending' }
}

/** The console asks for it; the command shows the plan itself, and sends its whole hash; the form of a client over MCP does not do. */
function isConfirmed({ channel, factor, typed = '' }: Confirmation, planHash: string, seen?: string): boolean {
  if (channel === 'mcp') return false
  if (channel !== 'console') return true
  // The console has verified it, for the plan that was seen.
  if (factor === 'passkey') return seen === planHash
  const [given, expected] = [Buffer.from(typed.trim().toLowerCase()), Buffer.from(planHash.slice(0, TYPED_CHARS))]
  return factor === 'typed' && given.length === expected.length && timingSafeEqual(given, expected)
}
