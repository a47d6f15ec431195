import type { Handler } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import type { decideApproval as contract } from '@deed/proto/execution'
import type { Driver } from '../drive.ts'
import type { Policy } from '../policy.ts'
import { readApprovals } from '../store/approvals.ts'
import type { Database } from '../store/schema.ts'

/** From this level on the approver is somebody else than the requester, unless policy allows it. */
const LEVEL_OF_TWO = 2

interface Dependencies {
  db: Database
  driver: Driver
  policy: Policy
}

export function decideApproval({ db, driver, policy }: Dependencies): Handler<typeof contract> {
  return async ({ approval_id: approvalId, decision, reason, plan_hash: hash }, { principal }) => {
    const [approval] = await readApprovals(db, principal, { approvalId, limit: 1 })
    if (!approval) throw new DeedError('not_found', 'there is no such approval; `deed get approvals` lists them')
    if (hash !== undefined && hash !== approval.plan_hash) {
      throw new DeedError('approval_mismatch', 'the plan is another than the one that was looked at; look again', {
        path: '$.plan_hash',
        executionId: approval.execution_id,
      })
    }
    const own = approval.requested_by === principal.user
    if (decision === 'approve' && own && approval.level >= LEVEL_OF_TWO && !policy.self_approval) {
      throw new DeedError('self_approval', `level ${approval.level} needs somebody else than the requester to agree`, {
        executionId: approval.execution_id,
      })
    }
    const { approvals } = await driver.apply(approval.execution_id, {
      type: 'decided',
      approvalId,
      approve: decision === 'approve',
      by: principal.user,
      reason: reason ?? null,
    })
    const status = approvals.get(approvalId)?.status ?? 'pending'
    return { approval_id: approvalId, execution_id: approval.execution_id, status }
  }
}
