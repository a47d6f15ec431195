/** What the execution waits for: a question is answered here, an approval is decided in the inbox, where its whole plan is. */
import type { ApprovalView } from '@deed/proto/approval'
import type { OpenQuestion } from '@deed/proto/person'
import { call } from '../../app/call.ts'
import { refusal } from '../../app/session.ts'
import { useDoing } from '../../components/doing.ts'
import { type Answer, choiceOf, Question } from '../../components/question.tsx'

export function WaitingView({
  approvalId,
  question,
  approvals,
}: {
  /** Of the question, or of the approval that it waits for. */
  approvalId: string | undefined
  question: OpenQuestion | undefined
  approvals: readonly ApprovalView[]
}) {
  if (question && approvalId !== undefined) return <OpenQuestionView approvalId={approvalId} question={question} />
  const pending = approvals.filter(({ status }) => status === 'pending')
  if (pending.length === 0) {
    return approvalId === undefined ? null : (
      <p class="note wait">
        <span aria-hidden="true">? </span>It waits for a person. <a href={`/inbox/${approvalId}`}>Decide</a>
      </p>
    )
  }
  return (
    <ul class="waiting">
      {pending.map(({ approval_id: id, level, plan_hash: hash, actions }) => (
        <li key={id} class="note wait">
          <span aria-hidden="true">? </span>
          An approval of level {level} is required for{' '}
          {actions.length === 1 ? 'one action' : `${actions.length} actions`}, plan <code>{hash.slice(0, 6)}</code>.{' '}
          <a href={`/inbox/${id}`}>Read the plan and decide</a>
        </li>
      ))}
    </ul>
  )
}

/** Where it is answered, the rows of the execution say what follows. */
function OpenQuestionView({ approvalId, question }: { approvalId: string; question: OpenQuestion }) {
  const { busy, run } = useDoing()
  const answer = (given: Answer) =>
    run(
      () => call('execution.choose', { approval_id: approvalId, ...choiceOf(given) }),
      () => 'Answered. The execution continues.',
    )
  return (
    <section class="note wait" aria-label="question">
      <Question
        question={question}
        reason={refusal('execution.choose') ?? busy}
        keys={false}
        onAnswer={(given) => void answer(given)}
      />
    </section>
  )
}
