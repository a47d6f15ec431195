/** One task: its claim beside what was observed, and all that happened to it. */
import type { ApprovalView } from '@deed/proto/approval'
import type { TaskView } from '@deed/proto/task'
import { useMemo, useState } from 'preact/hooks'
import { refusal } from '../../app/session.ts'
import { Button } from '../../components/button.tsx'
import { DiffView } from '../../components/diff-view.tsx'
import { Id } from '../../components/id.tsx'
import { Sign } from '../../components/sign.tsx'
import { Status } from '../../components/status.tsx'
import { Line, Text } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'
import { isDiff } from '../../text/diff-lines.ts'
import { duration } from '../../text/times.ts'
import { type Attempt, errorText } from './attempts.ts'
import { AttemptsView } from './attempts-view.tsx'
import { EvidenceView } from './evidence-view.tsx'
import { RollbackDialog } from './rollback-dialog.tsx'

/** Of what a task waits for; a graph may have many. */
const NAMED_MAX = 12

export function TaskPanel({
  task,
  tasks,
  attempts,
  approvals,
  ended,
  hrefOf,
}: {
  task: TaskView
  tasks: readonly TaskView[]
  attempts: readonly Attempt[]
  approvals: readonly ApprovalView[]
  /** Of the execution: what has not ended is cancelled, and not rolled back. */
  ended: boolean
  hrefOf: (taskId: string) => string
}) {
  const [undoing, setUndoing] = useState(false)
  const { task_id: id, actual_status: status, desired_status: desired, action, evidence, error, result } = task
  const own = useMemo(() => attempts.filter(({ task_id }) => task_id === id), [attempts, id])
  const steps = approvals.flatMap((approval) =>
    approval.actions.filter(({ task_id }) => task_id === id).map((step) => ({ approval, step })),
  )
  const sealed = steps[0]?.step
  const answer = result && isDiff(result.text) ? result.text : undefined
  const notUndoable = undoReason(task, ended) ?? refusal('execution.rollback')
  return (
    <article class="panel task" aria-label={`task ${task.title}`}>
      <header>
        <h2>
          <Line text={task.title} max={400} />
        </h2>
        <Status status={status} note={status === desired ? undefined : `wanted: ${desired.replace('_', ' ')}`} />
      </header>
      <p class="quiet facts-line">
        <span>
          <Line text={action?.kind ?? task.task_kind} max={64} />
        </span>
        <span>level {task.level}</span>
        {task.failures > 0 && <span class="text-bad">{task.failures} failed</span>}
        {task.agent && (
          <span>
            <Line text={task.agent} max={64} />
          </span>
        )}
        {task.started_at && (
          <span>
            began <Time at={task.started_at} />
            {task.finished_at &&
              `, took ${duration(Math.max(0, Date.parse(task.finished_at) - Date.parse(task.started_at)))}`}
          </span>
        )}
        <Id id={id} />
      </p>
      {error && (
        <div class="note bad">
          <p>
            <strong class="text-bad">
              <Sign of="✕" /> {error.code}
            </strong>
            {error.retryable && <span class="quiet"> may succeed later</span>}
          </p>
          <Text text={error.message} max={1_000} />
        </div>
      )}
      {evidence ? (
        <EvidenceView evidence={evidence} title="Evidence" />
      ) : (
        <p class="quiet">{ended ? 'Nothing was claimed or observed.' : 'Nothing is claimed or observed yet.'}</p>
      )}
      {task.undo_evidence && <EvidenceView evidence={task.undo_evidence} title="Evidence of its undo" />}
      {result && (answer ? <DiffView text={answer} title="Result" /> : <ResultText text={result.text} />)}
      {sealed && (
        <section aria-label="before and after">
          <h3>Before and after</h3>
          <dl class="facts-inline">
            <div>
              <dt>before</dt>
              <dd>
                <code>
                  <Line text={sealed.state_before ?? 'known once the steps before are done'} max={200} />
                </code>
              </dd>
            </div>
            <div>
              <dt>would do</dt>
              <dd>
                <Line text={sealed.summary} max={600} />
              </dd>
            </div>
            <div>
              <dt>can be undone</dt>
              <dd>{sealed.reversibility ?? 'it changes nothing'}</dd>
            </div>
          </dl>
        </section>
      )}
      {sealed?.diff && <DiffView text={sealed.diff} title="Diff, as approved" />}
      {steps.length > 0 && (
        <section aria-label="approvals">
          <h3>Approvals</h3>
          <ul class="attempts">
            {steps.map(({ approval, step }) => (
              <li key={approval.approval_id}>
                <Status status={approval.status} />
                <a href={`/inbox/${approval.approval_id}`}>level {step.level}</a>
                <span class="quiet">
                  <Line text={step.why} max={200} />
                </span>
                {approval.decided_by && (
                  <span class="quiet">
                    by <Line text={approval.decided_by} max={64} />
                  </span>
                )}
              </li>
            ))}
          </ul>
        </section>
      )}
      <section aria-label="attempts">
        <h3>Attempts</h3>
        <AttemptsView attempts={own} shown={error ? errorText(error) : undefined} />
      </section>
      <TaskLinks title="Waits for" ids={task.dependencies} tasks={tasks} hrefOf={hrefOf} />
      {action && (
        <details>
          <summary>Arguments</summary>
          <Text text={JSON.stringify(action, null, 2)} max={2_000} />
        </details>
      )}
      {action && (
        <p>
          <Button kind="danger" reason={notUndoable} onClick={() => setUndoing(true)}>
            Undo this task…
          </Button>
        </p>
      )}
      {undoing && (
        <RollbackDialog
          scope={{ action_id: id }}
          command={`rollback ${id}`}
          title="Undo this task"
          onClose={() => setUndoing(false)}
        />
      )}
    </article>
  )
}

function undoReason({ actual_status: status, action, evidence }: TaskView, ended: boolean): string | undefined {
  if (status === 'undone') return 'It is undone already.'
  if (!ended) return 'The execution has not ended; cancel it, and choose to undo what it did.'
  if (action === null || evidence === null) return 'It has changed nothing.'
  return undefined
}

function ResultText({ text }: { text: string }) {
  return (
    <section aria-label="result">
      <h3>Result</h3>
      <Text text={text} max={1_500} />
    </section>
  )
}

function TaskLinks({
  title,
  ids,
  tasks,
  hrefOf,
}: {
  title: string
  ids: readonly string[]
  tasks: readonly TaskView[]
  hrefOf: (taskId: string) => string
}) {
  const named = useMemo(() => {
    const wanted = new Set(ids.slice(0, NAMED_MAX))
    return wanted.size === 0 ? [] : tasks.filter(({ task_id: id }) => wanted.has(id))
  }, [ids, tasks])
  if (ids.length === 0) return null
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      <ul class="links">
        {named.map(({ task_id: id, title: words, actual_status: status }) => (
          <li key={id}>
            <Status status={status} />{' '}
            <a href={hrefOf(id)}>
              <Line text={words} max={120} />
            </a>
          </li>
        ))}
        {ids.length > named.length && <li class="quiet">and {ids.length - named.length} more</li>}
      </ul>
    </section>
  )
}
