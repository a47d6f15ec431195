/** A decision from the command line: what is decided on is shown with it, and bound by its hash. */
import type { Bus } from '@deed/mesh/bus'
import { decideApproval, listApprovals } from '@deed/proto/execution'
import { ApprovalId } from '@deed/proto/ids'
import { UsageError } from './exit-code.ts'
import type { Output } from './output.ts'
import { approvalText } from './show/approval.ts'
import { paintStatus } from './show/paint.ts'

const APPROVALS_MAX = 500

export interface Decision {
  decision: 'approve' | 'deny'
  reason?: string
  /** Of the plan that was looked at; absent: of the one that is shown now. */
  planHash?: string
}

/** @param id of an approval, or of the execution that waits for one */
export async function decideOn(
  out: Output,
  bus: Bus,
  id: string,
  { decision, reason, planHash }: Decision,
): Promise<void> {
  const { data: given } = ApprovalId.safeParse(id)
  if (given === undefined) throw new UsageError(`${JSON.stringify(id)} is not the id of an approval`)
  const { approvals } = await bus.call(listApprovals, { status: 'pending', limit: APPROVALS_MAX })
  const found = approvals.filter(
    ({ approval_id: approval, execution_id: execution }) => approval === id || String(execution) === id,
  )
  if (found.length > 1) {
    const ids = found.map(({ approval_id: approval }) => approval).join(', ')
    throw new UsageError(`execution ${id} waits for ${found.length} decisions; name one of ${ids}`)
  }
  const [approval] = found
  if (approval) out.print(approvalText(approval, out.paint))
  const hash = planHash ?? approval?.plan_hash
  const reply = await bus.call(decideApproval, {
    approval_id: approval?.approval_id ?? given,
    decision,
    ...(reason === undefined ? {} : { reason }),
    ...(hash === undefined ? {} : { plan_hash: hash }),
  })
  out.document(reply)
  out.print(`${paintStatus(out.paint, reply.status)}  execution ${reply.execution_id}`)
}
