import { errorBody, type Handler } from '@deed/mesh/bus'
import type { BatchResult, decideApprovals as contract } from '@deed/proto/approval'
import { defined } from '@deed/proto/json'
import { type Deciding, decide } from '../people/decide.ts'
import { joinExecution } from './join-execution.ts'

/** Level 3 is decided step by step. */
const LEVEL_MAX = 2

export function decideApprovals(deciding: Deciding): Handler<typeof contract> {
  return async ({ approvals, decision, reason = null, confirmation }, { principal, served, log }) => {
    const approve = decision === 'approve'
    const results: BatchResult[] = []
    // In the order of the request, one after the other.
    for (const { approval_id: approvalId, plan_hash: planHash, typed } of approvals) {
      try {
        const decided = await decide(deciding, principal, {
          approvalId,
          approve,
          reason,
          planHash,
          confirmation: confirmation && { ...confirmation, ...defined({ typed }) },
          levelMax: LEVEL_MAX,
        })
        await joinExecution(served, deciding.driver, decided.execution_id)
        results.push(decided)
      } catch (error) {
        const body = errorBody(error)
        if (body.code === 'internal') log.error({ err: error, approval_id: approvalId }, 'decision failed')
        results.push({ approval_id: approvalId, error: body })
      }
    }
    return { results }
  }
}
