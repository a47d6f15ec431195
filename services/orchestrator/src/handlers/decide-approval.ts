import type { Handler } from '@deed/mesh/bus'
import type { decideApproval as contract } from '@deed/proto/approval'
import { type Deciding, decide } from '../people/decide.ts'
import { decideTask } from '../people/decide-task.ts'
import type { Retrying } from '../planning/agree-again.ts'
import { readApproval } from '../store/approvals.ts'

/** Decides an approval or a person's task: their ids are unique across both. */
export function decideApproval(deciding: Deciding & Retrying): Handler<typeof contract> {
  return async (
    { approval_id: approvalId, decision, reason = null, plan_hash: planHash, result = null },
    { principal },
  ) => {
    if (decision === 'approve') return decide(deciding, principal, { approvalId, approve: true, reason, planHash })
    if (decision !== 'deny') return decideTask(deciding, principal, { approvalId, decision, reason, result })
    if (await readApproval(deciding.db, principal, approvalId)) {
      return decide(deciding, principal, { approvalId, approve: false, reason, planHash })
    }
    return decideTask(deciding, principal, { approvalId, decision, reason, result })
  }
}
