/** A question of the inbox, with the task that it is about. */
import { call } from '../../app/call.ts'
import { go } from '../../app/router.ts'
import { refusal } from '../../app/session.ts'
import { Button } from '../../components/button.tsx'
import { useDoing } from '../../components/doing.ts'
import { Facts } from '../../components/facts.tsx'
import { CommandLine, Id } from '../../components/id.tsx'
import { type Answer, choiceOf, Question } from '../../components/question.tsx'
import { Line } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'
import { shortId } from '../../text/inert-text.ts'
import { statusWords } from '../../text/status-words.ts'
import type { PersonTask } from './items.ts'

export function QuestionView({
  task,
  question,
  onDecided,
}: {
  task: PersonTask
  question: NonNullable<PersonTask['question']>
  onDecided: () => void
}) {
  const { approval_id: id, execution_id: execution } = task
  const { busy, run } = useDoing()
  const answer = async (given: Answer): Promise<void> => {
    let waits = false
    const done = await run(
      () => call('execution.choose', { approval_id: id, ...choiceOf(given) }),
      ({ status }) => {
        waits = status === 'waiting'
        return `The execution is ${statusWords(status).word}`
      },
    )
    // New words may be asked about, and what is chosen may need approval: both come back here.
    if (done && !waits) go(`/executions/${execution}`)
    else onDecided()
  }
  const deny = (): void => {
    void run(
      () => call('approval.decide', { approval_id: id, decision: 'deny' }),
      () => 'None of them: nothing is done',
    ).then(onDecided)
  }
  return (
    <div class="stack">
      <section class="panel">
        <Question
          question={question}
          reason={refusal('execution.choose') ?? busy}
          onAnswer={(given) => void answer(given)}
        >
          {task.decisions.includes('deny') && (
            <Button kind="danger" reason={refusal('approval.decide') ?? busy} onClick={deny}>
              None of them
            </Button>
          )}
        </Question>
      </section>
      <section class="panel">
        <Facts
          of={[
            ['Task', <Line key="task" text={task.task} max={2_000} />],
            ['Asked by', <Line key="by" text={task.requested_by} />],
            ['Execution', <Id key="id" id={execution} href={`/executions/${execution}`} />],
            ['Asked', <Time key="at" at={task.asked_at} />],
            ['Expires', task.expires_at && <Time at={task.expires_at} />],
          ]}
        />
      </section>
      <p class="quiet">Nothing runs by an answer alone: what needs an approval is asked for afterwards.</p>
      <CommandLine command={`choose ${shortId(id)}`} />
    </div>
  )
}
