/** One decision: its facts, its votes, whom it waits for, and what it changed. All words of it are those of programs. */
import { call } from '../../app/call.ts'
import { useResource } from '../../app/resource.ts'
import { may } from '../../app/session.ts'
import { Facts } from '../../components/facts.tsx'
import { CommandLine, Id } from '../../components/id.tsx'
import { Sign } from '../../components/sign.tsx'
import { Loaded } from '../../components/states.tsx'
import { Status } from '../../components/status.tsx'
import { Line, Text } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'
import { shortId } from '../../text/inert-text.ts'
import { counted, dollars } from '../../text/times.ts'
import { asksPerson, changeOf, missingVotes, scoreText } from './decision-words.ts'
import { type Decision, wordsOf } from './query.ts'

export function DecisionDetail({ id }: { id: string }) {
  const decision = useResource(
    `decision ${id}`,
    (signal) => call('organization.get-decision', { decision_id: id }, { signal }),
    { organization: true, everyMs: 30_000 },
  )
  return (
    <Loaded from={decision} what="the decision">
      {(value) => <Shown decision={value} />}
    </Loaded>
  )
}

function Shown({ decision }: { decision: Decision }) {
  const { type, subject, status, mode, proposed_by: by, rationale, facts, votes } = decision
  const change = changeOf(decision)
  return (
    <>
      <h3>
        {wordsOf(type)}: <Line text={subject.name} max={128} />
      </h3>
      {asksPerson(decision) && <ForPerson execution={decision.execution_id} />}
      {change !== undefined && (
        <p class="note good">
          <Sign of="✓" /> It changed <Line text={change} />. <a href="/organization?view=changes">What was changed</a>
        </p>
      )}
      <Facts
        of={[
          ['Status', <Status key="status" status={status} />],
          ['Why', decision.why && <Line text={decision.why} max={1_000} />],
          ['Decided by', decision.decided_by && wordsOf(decision.decided_by)],
          ['Decided', decision.decided_at && <Time at={decision.decided_at} />],
          ['Proposed by', wordsOf(by)],
          ['Proposed', <Time key="at" at={decision.proposed_at} />],
          ['Decided how', `${mode}: ${decision.rule}`],
          ['Votes until', status === 'pending' && decision.due_at !== null && <Time key="due" at={decision.due_at} />],
          ['Consensus', scoreText(decision.consensus_score)],
          ['Amount', subject.amount !== undefined && dollars(subject.amount)],
          ['Department', subject.department],
          ['Environments', subject.environments?.join(', ')],
          ['Policy', `version ${decision.authority_version}`],
          ['Id', <Id key="id" id={decision.decision_id} />],
          [
            'Execution',
            decision.execution_id && <Id id={decision.execution_id} href={`/executions/${decision.execution_id}`} />,
          ],
        ]}
      />
      <h3>Why, in the words of the {wordsOf(by)}</h3>
      <Text text={rationale} max={2_000} />
      {subject.text !== undefined && <Text text={subject.text} max={2_000} />}
      {subject.details !== undefined && <Text text={JSON.stringify(subject.details, null, 2)} max={1_000} />}
      <Votes decision={decision} />
      <h3>{facts.length === 0 ? 'No facts were given' : counted(facts.length, 'fact')}</h3>
      <ul class="stack">
        {facts.map(({ name, value, source, as_of: at }) => (
          <li key={`${name} ${source}`}>
            <Line text={name} /> = <strong>{value === null ? 'not known' : <Line text={String(value)} />}</strong>{' '}
            <span class="quiet">
              <Line text={source} />, <Time at={at} />
            </span>
          </li>
        ))}
      </ul>
      {votes.length === 0 && decision.voters.length === 0 && mode === 'autonomous' && (
        <p class="quiet">Nobody voted: the rule alone decided.</p>
      )}
    </>
  )
}

function Votes({ decision }: { decision: Decision }) {
  const { votes, quorum, status } = decision
  const missing = status === 'pending' && !asksPerson(decision) ? missingVotes(decision) : []
  if (votes.length === 0 && missing.length === 0) return null
  return (
    <>
      <h3>
        {counted(votes.length, 'vote')}
        {quorum > 0 && <span class="quiet">, of at least {quorum}</span>}
      </h3>
      <ul class="stack">
        {votes.map(({ role, vote, confidence, rationale, evidence, at }) => (
          <li key={role}>
            <Status status={vote} /> <strong>{wordsOf(role)}</strong>{' '}
            <span class="quiet">
              confidence {confidence}, <Time at={at} />
            </span>
            <Text text={rationale} max={600} />
            <p class="quiet">
              about: <Line text={evidence.join(', ')} max={300} />
            </p>
          </li>
        ))}
      </ul>
      {missing.length > 0 && <p>Not yet: {missing.map(wordsOf).join(', ')}</p>}
    </>
  )
}

/** It is a task in the inbox of every approval. */
function ForPerson({ execution }: { execution: string | null }) {
  const { value: task } = useResource(`question ${execution}`, async (signal) =>
    execution === null || !may('approval.list')
      ? undefined
      : (await call('approval.list', { execution_id: execution, status: 'pending' }, { signal })).tasks[0],
  )
  return (
    <div class="note wait">
      <p>
        <span aria-hidden="true">? </span>It waits for a person.{' '}
        {task && <a href={`/inbox/${task.approval_id}`}>Answer in the inbox</a>}
        {execution === null && 'The question is being put.'}
      </p>
      {task && <CommandLine command={`resolve ${shortId(task.approval_id)} provide`} />}
    </div>
  )
}
