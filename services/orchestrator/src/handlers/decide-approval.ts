import type { Handler } from '@deed/mesh/bus'
import type { decideApproval as contract } from '@deed/proto/execution'
import { type Deciding, decide } from '../decide.ts'

export function decideApproval(deciding: Deciding): Handler<typeof contract> {
  return ({ approval_id: approvalId, decision, reason, plan_hash: planHash }, { principal }) =>
    decide(deciding, principal, { approvalId, approve: decision === 'approve', reason: reason ?? null, planHash })
}
