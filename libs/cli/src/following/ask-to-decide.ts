/** A decision while one waits for it: asked at the terminal, or given ahead with --yes. */
import type { Bus } from '@deed/mesh/bus'
import { type ApprovalView, decideApproval } from '@deed/proto/approval'
import { approvalText, howToDecide, stillWaiting } from '../show/approval.ts'
import type { Output } from '../terminal/output.ts'

export interface DecideOptions {
  out: Output
  /** Level 1 is approved without asking. */
  yes: boolean
  /** The command that approves then. */
  by: string
}

/**
 * Shows what needs approval, and asks the person at the terminal.
 *
 * @returns whether it was decided, here or elsewhere
 */
export async function decide(
  { out, yes, by }: DecideOptions,
  bus: Bus,
  approval: ApprovalView,
  decided: AbortSignal,
): Promise<boolean> {
  const { approval_id: id, level, plan_hash: hash } = approval
  out.note(approvalText(approval, out.paint))
  const itself = yes && level === 1
  const answer = itself ? 'y' : await out.ask('Approve? [y/N] ', decided, stillWaiting(approval))
  if (answer === undefined) {
    if (!decided.aborted) out.note(howToDecide(id))
    return decided.aborted
  }
  const approved = /^y(es)?$/i.test(answer.trim())
  await bus.call(decideApproval, {
    approval_id: id,
    decision: approved ? 'approve' : 'deny',
    reason: itself ? `${by} --yes` : 'asked at the terminal',
    plan_hash: hash,
  })
  out.note(approved ? 'Approved.' : 'Denied.')
  return true
}
