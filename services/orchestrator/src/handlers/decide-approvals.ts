import { errorBody, type Handler } from '@deed/mesh/bus'
import type { BatchResult, decideApprovals as contract } from '@deed/proto/approval'
import { type Deciding, decide } from '../people/decide.ts'

/** Level 3 is decided step by step. */
const LEVEL_MAX = 2

export function decideApprovals(deciding: Deciding): Handler<typeof contract> {
  return async ({ approvals, decision, reason = null }, { principal, log }) => {
    const approve = decision === 'approve'
    const results: BatchResult[] = []
    // In the order of the request, one after the other.
    for (const { approval_id: approvalId, plan_hash: planHash } of approvals) {
      try {
        results.push(await decide(deciding, principal, { approvalId, approve, reason, planHash, levelMax: LEVEL_MAX }))
      } catch (error) {
        const body = errorBody(error)
        if (body.code === 'internal') log.error({ err: error, approval_id: approvalId }, 'decision failed')
        results.push({ approval_id: approvalId, error: body })
      }
    }
    return { results }
  }
}
