/** A decision from the command line: what is decided on is shown before it is asked for, and bound by its hash. */

import type { Bus } from '@deed/mesh/bus'
import {
  type ApprovalView,
  type Confirmation,
  decideApproval,
  decideApprovals,
  listApprovals,
} from '@deed/proto/approval'
import { type ApprovalId, ExecutionId } from '@deed/proto/ids'
import { defined } from '@deed/proto/json'
import { exposedLine } from '@deed/text/exposed-text'
import { approvalText, stepLines } from '../show/approval.ts'
import { table } from '../show/table.ts'
import { deedCommand } from '../terminal/deed-command.ts'
import { EXIT, UsageError } from '../terminal/exit-code.ts'
import { wholeId } from '../terminal/find-id.ts'
import type { Output } from '../terminal/output.ts'
import { paintStatus } from '../terminal/paint.ts'
import { shownId } from '../terminal/terminal.ts'
import { wholeApproval } from '../terminal/whole.ts'
import { findQuestion } from './find-question.ts'

const APPROVALS_MAX = 500
const DECIDED = { approve: 'approved', deny: 'denied' } as const
/** Steps of a higher level are decided one by one. */
const LEVEL_TOGETHER_MAX = 2

export interface Decision {
  decision: 'approve' | 'deny'
  reason?: string
  /** Of the plan that the person has seen; absent: of the one that is shown now. */
  planHash?: string
  /** Nobody need be asked at the terminal. */
  yes?: boolean
  /** Every step is shown, however many there are. */
  full?: boolean
}

/** @param id of an approval, or of an execution: all approvals that it waits for are shown and decided as one */
export async function decideOn(out: Output, bus: Bus, id: string, decided: Decision): Promise<void> {
  const { decision, reason, planHash, full = false } = decided
  const given = await wholeId<ApprovalId>(bus, ['approval', 'execution'], id)
  const waiting = await findPending(bus, given)
  // One that is denied ends the execution, and the others with it.
  if (waiting.length > 1 && decision === 'approve') return decideTogether(out, bus, waiting, decided)
  const [approval] = waiting
  if (!approval) {
    const question = await findQuestion(bus, given)
    // A choice is not an approval: what it leads to is approved afterwards.
    if (question && decision === 'approve')
      throw new UsageError(
        `${shownId(question.approval_id)} is a question: \`${deedCommand(`choose ${shownId(question.approval_id)}`)}\` answers it`,
      )
  }
  if (approval) out.print(approvalText(full ? await wholeApproval(bus, approval) : approval, out.paint))
  if (approval && planHash === undefined && !(await isSure(out, decided, 'Approve?'))) return
  const hash = planHash ?? approval?.plan_hash
  const reply = await bus.call(decideApproval, {
    approval_id: approval?.approval_id ?? given,
    decision,
    confirmation: confirmationOf(decided),
    ...defined({ reason, plan_hash: hash }),
  })
  out.document(reply)
  out.print(`${paintStatus(out.paint, DECIDED[decision])}  execution ${shownId(reply.execution_id)}`)
}

const confirmationOf = ({ decision, yes = false, planHash }: Decision): Confirmation => ({
  channel: 'command',
  factor: planHash !== undefined ? 'typed' : decision === 'approve' && !yes ? 'answer' : 'none',
})

async function findPending(bus: Bus, id: ApprovalId): Promise<ApprovalView[]> {
  const own = await bus.call(listApprovals, { approval_id: id, status: 'pending' })
  return own.approvals.length > 0 ? own.approvals : allPending(bus, ExecutionId.parse(id))
}

/** Those of one execution: every step is shown, one question is asked, and each has its result. Level 3 goes by itself. */
async function decideTogether(out: Output, bus: Bus, all: readonly ApprovalView[], decided: Decision): Promise<void> {
  if (decided.planHash !== undefined) throw new UsageError('a hash is of one approval; name that one')
  const alone = all.filter(({ level }) => level > LEVEL_TOGETHER_MAX)
  const together = all.filter(({ level }) => level <= LEVEL_TOGETHER_MAX)
  for (const { approval_id: id } of alone) out.note(`a step of level 3 is decided by itself: ${id}`)
  if (together.length === 0) throw new UsageError('each of them is of level 3; name one')
  for (const approval of together) {
    const { approval_id: id, level, actions } = await wholeApproval(bus, approval)
    out.print(out.paint('bold', `approval ${shownId(id)}, level ${level}`))
    out.print(stepLines(actions, out.paint).join('\n'))
  }
  await decideEach(out, bus, together, decided)
}

/** All that wait, up to a level: shown in a table, decided each by itself. */
export async function decideOnAll(out: Output, bus: Bus, levelMax: number, decided: Decision): Promise<void> {
  const waiting = (await allPending(bus)).filter(({ level }) => level <= levelMax)
  if (waiting.length === 0) {
    out.document({ results: [] })
    return out.note(`nothing up to level ${levelMax} waits for a decision`)
  }
  const columns = [
    { heading: 'APPROVAL', cell: ({ approval_id: id }: ApprovalView) => id as string, id: true },
    { heading: 'LEVEL', cell: ({ level }: ApprovalView) => String(level) },
    { heading: 'ASKED BY', cell: ({ requested_by: by }: ApprovalView) => exposedLine(by) },
    {
      heading: 'ACTIONS',
      cell: ({ actions, omitted, approval_id: id }: ApprovalView) =>
        exposedLine(
          [
            ...actions.map(({ summary }) => summary),
            ...(omitted === undefined ? [] : [`and ${omitted.actions} more: deed approve ${id} --full`]),
          ].join('; '),
        ),
    },
  ]
  // Whole, since it is agreed to: no cell is cut short.
  out.print(table(columns, waiting, out.paint, Number.POSITIVE_INFINITY))
  await decideEach(out, bus, waiting, decided)
}

async function decideEach(out: Output, bus: Bus, waiting: readonly ApprovalView[], decided: Decision): Promise<void> {
  const { decision, reason } = decided
  const question = `${decision === 'approve' ? 'Approve' : 'Deny'} ${waiting.length}?`
  if (!(await isSure(out, decided, question))) return
  const { results } = await bus.call(decideApprovals, {
    approvals: waiting.map(({ approval_id, plan_hash }) => ({ approval_id, plan_hash })),
    decision,
    confirmation: confirmationOf(decided),
    ...defined({ reason }),
  })
  out.document({ results })
  for (const { approval_id: id, status, error } of results) {
    const outcome = error === undefined ? '' : `  ${error.code}: ${exposedLine(error.message)}`
    out.print(
      `${shownId(id)}  ${paintStatus(out.paint, error === undefined ? DECIDED[decision] : (status ?? 'failed'))}${outcome}`,
    )
  }
  if (results.some(({ error }) => error !== undefined)) process.exitCode = EXIT.failed
}

/** The oldest first, as they were asked for. @param of this execution alone */
async function allPending(bus: Bus, of?: ExecutionId): Promise<ApprovalView[]> {
  const found: ApprovalView[] = []
  for (let cursor: ApprovalId | null | undefined; cursor !== null && found.length < APPROVALS_MAX; ) {
    const execution = of === undefined ? {} : { execution_id: of }
    const input = { ...execution, status: 'pending' as const, limit: APPROVALS_MAX - found.length }
    const page = await bus.call(listApprovals, cursor === undefined ? input : { ...input, cursor })
    found.push(...page.approvals)
    cursor = page.next_cursor
  }
  return found.reverse()
}

/** @throws {UsageError} where nobody can be asked, and nobody said that it need not be */
async function isSure(out: Output, { decision, yes = false }: Decision, question: string): Promise<boolean> {
  if (decision === 'deny' || yes) return true
  if (!out.interactive) {
    throw new UsageError('nobody can be asked here; say --yes to approve what was shown, or --plan-hash what was seen')
  }
  const unanswered = 'Nothing was decided; what was shown still waits.'
  const answer = await out.ask(`${question} [y/N] `, new AbortController().signal, unanswered)
  const sure = answer !== undefined && /^y(es)?$/i.test(answer.trim())
  if (!sure) {
    out.note('Nothing was decided.')
    process.exitCode = EXIT.failed
  }
  return sure
}
