/** A task that a person checks or does: what it is about, and the decisions about it. */
import { useState } from 'preact/hooks'
import { call } from '../../app/call.ts'
import type { Input } from '../../app/contracts.ts'
import { urlOf, uuid } from '../../app/router.ts'
import { refusal } from '../../app/session.ts'
import { Button } from '../../components/button.tsx'
import { Facts } from '../../components/facts.tsx'
import { FormDialog } from '../../components/form-dialog.tsx'
import { CommandLine, Id } from '../../components/id.tsx'
import { Level } from '../../components/level.tsx'
import { Sign } from '../../components/sign.tsx'
import { Status } from '../../components/status.tsx'
import { Line, Text } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'
import { shortId } from '../../text/inert-text.ts'
import type { PersonTask } from './items.ts'
import { argumentsOf } from './plan-text.ts'

type Decision = Exclude<PersonTask['decisions'][number], 'choose'>
type Result = NonNullable<Input<'approval.decide'>['result']>

const CAUSES: Readonly<Record<NonNullable<PersonTask['cause']>, string>> = {
  stuck: 'it failed for a while too often',
  failed: 'it failed for good',
  undo: 'its effect cannot be reversed',
  goal: 'a goal keeps drifting, and is blocked',
}

/** What each decision means, for this kind of task. */
export function decisionWords(decision: Decision, cause: PersonTask['cause']): { verb: string; means: string } {
  const undo = cause === 'undo'
  const goal = cause === 'goal'
  switch (decision) {
    case 'retry':
      return { verb: goal ? 'Check again' : 'Retry', means: goal ? 'the goal is observed again' : 'it is tried again' }
    case 'replan':
      return { verb: 'Plan it again', means: 'a model is asked for other actions; what is done stays done' }
    case 'skip':
      return { verb: 'Skip', means: undo ? 'its effect stays as it is' : 'the others continue without it' }
    case 'provide':
      return undo
        ? { verb: 'I undid it', means: 'you sign that its effect is undone' }
        : { verb: 'Provide the result', means: 'you did it, and sign for the result' }
    case 'cancel':
      return goal
        ? { verb: 'Delete the goal', means: 'the state is kept no longer' }
        : { verb: 'Cancel', means: 'the execution ends, and what it did is undone' }
    case 'deny':
      return { verb: 'Deny', means: 'nobody does it: the execution is denied' }
  }
}

export function PersonView({ task, onDecided }: { task: PersonTask; onDecided: () => void }) {
  const { approval_id: id, execution_id: execution, cause, about, details, evidence, result } = task
  const [asked, setAsked] = useState<Decision>()
  const decision = decisionIn(details)
  const decisions = task.decisions.filter((one): one is Decision => one !== 'choose')
  const whyNot = refusal('approval.decide')
  return (
    <div class="stack">
      <section class="panel">
        <header>
          <h2>
            <Line text={task.title} max={2_000} />
          </h2>
          <Status status={task.status} />
        </header>
        {details !== null && <Text text={details} />}
        <Facts
          of={[
            ['Why', cause && CAUSES[cause]],
            ['Task', <Line key="task" text={task.task} max={2_000} />],
            [
              'Decision',
              decision && <a href={urlOf('/organization', { status: 'all', decision })}>of the organization</a>,
            ],
            ['Asked by', <Line key="by" text={task.requested_by} />],
            ['Execution', <Id key="id" id={execution} href={`/executions/${execution}`} />],
            ['Asked', <Time key="at" at={task.asked_at} />],
            ['Expires', task.expires_at && <Time at={task.expires_at} />],
          ]}
        />
      </section>
      {decisions.length > 0 && (
        <section class="panel" aria-label="decision">
          <ul class="decisions">
            {decisions.map((decision) => {
              const { verb, means } = decisionWords(decision, cause)
              return (
                <li key={decision}>
                  <Button
                    reason={whyNot}
                    kind={decision === 'cancel' || decision === 'deny' ? 'danger' : 'plain'}
                    onClick={() => setAsked(decision)}
                  >
                    {verb}…
                  </Button>
                  <span class="quiet">{means}</span>
                </li>
              )
            })}
          </ul>
          <CommandLine command={`resolve ${shortId(id)} ${decisions[0]}`} />
        </section>
      )}
      {about && <About about={about} />}
      {evidence && (
        <section class="panel">
          <h2>What was decided</h2>
          <Facts
            of={[
              ['Claimed', <Line key="claimed" text={evidence.claimed} max={2_000} />],
              ['Observed', <Line key="observed" text={evidence.observed} max={2_000} />],
              ['When', <Time key="at" at={evidence.observed_at} />],
              ['Result', result && <Text text={result.text} />],
            ]}
          />
        </section>
      )}
      {asked && (
        <DecisionDialog task={task} decision={asked} onDecided={onDecided} onClose={() => setAsked(undefined)} />
      )}
    </div>
  )
}

/** The id of the decision of the organization that is asked about, in the last line of the details. */
const decisionIn = (details: string | null): string | undefined =>
  uuid(/\nDecision (\S{36})$/.exec(details ?? '')?.[1] ?? '')

function About({ about }: { about: NonNullable<PersonTask['about']> }) {
  return (
    <section class="panel">
      <header>
        <h2>
          <Line text={about.title} max={600} />
        </h2>
        <Status status={about.status} />
        <Level level={about.level} />
      </header>
      {about.error && (
        <p class="text-bad">
          <Sign of="✕" /> <Line text={about.error.message} max={2_000} /> <code>{about.error.code}</code>
        </p>
      )}
      <Facts
        of={[
          ['Failures', about.failures > 0 ? `${about.failures}` : null],
          [
            'Task',
            <a key="task" href={`/tasks?task=${about.task_id}`}>
              {<Line text={about.name} />}
            </a>,
          ],
        ]}
      />
      {about.action && (
        <dl class="arguments">
          {argumentsOf(about.action).map(({ name, text }) => (
            <div key={name}>
              <dt>{<Line text={name} max={200} />}</dt>
              <dd>
                <Text text={text} />
              </dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  )
}

function DecisionDialog({
  task,
  decision,
  onDecided,
  onClose,
}: {
  task: PersonTask
  decision: Decision
  onDecided: () => void
  onClose: () => void
}) {
  const { verb, means } = decisionWords(decision, task.cause)
  const provides = decision === 'provide'
  return (
    <FormDialog
      title={verb}
      about={`If you confirm, ${means}.`}
      verb={verb}
      reason={refusal('approval.decide')}
      fields={[
        ...(provides
          ? [
              { name: 'text', title: 'What was done or found', required: true, long: true },
              { name: 'data', title: 'The same as data', long: true, hint: 'JSON, for the tasks that use it' },
            ]
          : []),
        { name: 'reason', title: 'Reason', hint: 'for the audit log' },
      ]}
      onSubmit={async ({ text = '', data = '', reason = '' }) => {
        await call('approval.decide', {
          approval_id: task.approval_id,
          decision,
          ...(provides ? { result: { text, ...(data === '' ? {} : { data: jsonOf(data) }) } } : {}),
          ...(reason === '' ? {} : { reason }),
        })
        onDecided()
      }}
      onClose={onClose}
    />
  )
}

function jsonOf(text: string): NonNullable<Result['data']> {
  try {
    return JSON.parse(text) as NonNullable<Result['data']>
  } catch {
    throw new Error('The data is no JSON. Leave it empty, or type it as in {"seals": "hold"}.')
  }
}
