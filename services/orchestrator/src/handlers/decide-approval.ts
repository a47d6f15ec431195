import type { Handler } from '@deed/mesh/bus'
import type { decideApproval as contract } from '@deed/proto/approval'
import { DeedError } from '@deed/proto/errors'
import type { Principal } from '@deed/proto/ids'
import { redactValue } from '@deed/telemetry/redact'
import type { z } from 'zod'
import { type Choosing, chooseReading } from '../people/choose-reading.ts'
import { type Deciding, decide } from '../people/decide.ts'
import { decideTask } from '../people/decide-task.ts'
import { readApproval } from '../store/approvals.ts'
import { joinExecution } from './join-execution.ts'

type Input = z.output<typeof contract.input>
type Output = z.output<typeof contract.output>

/** Decides an approval or a person's task: their ids are unique across both. */
export function decideApproval(deciding: Deciding & Choosing): Handler<typeof contract> {
  const decideOne = async (input: Input, principal: Principal): Promise<Output> => {
    const { decision, option, words } = input
    if (decision === 'choose') {
      const { execution } = await chooseReading(deciding, principal, input)
      return { approval_id: input.approval_id, execution_id: execution.execution_id, status: 'resolved' }
    }
    if (option !== undefined || words !== undefined) {
      throw new DeedError('invalid_request', 'option and words belong to the decision choose', {
        path: option === undefined ? '$.words' : '$.option',
      })
    }
    // Reasons and results are stored and shown; what is to run is refused instead, if it contains a secret.
    const { approval_id: approvalId, reason = null, plan_hash: planHash, result = null } = redactValue(input)
    const { confirmation } = input
    if (decision === 'approve')
      return decide(deciding, principal, { approvalId, approve: true, reason, planHash, confirmation })
    if (decision !== 'deny') return decideTask(deciding, principal, { approvalId, decision, reason, result })
    if (await readApproval(deciding.db, principal, approvalId)) {
      return decide(deciding, principal, { approvalId, approve: false, reason, planHash, confirmation })
    }
    return decideTask(deciding, principal, { approvalId, decision, reason, result })
  }
  return async (input, { principal, served }) => {
    const decided = await decideOne(input, principal)
    await joinExecution(served, deciding.driver, decided.execution_id)
    return decided
  }
}
