/** What was asked for, by whom, how it was understood, and what came of it. */
import type { ExecutionDetail } from '@deed/proto/execution'
import type { TaskView } from '@deed/proto/task'
import { useMemo } from 'preact/hooks'
import { Id } from '../../components/id.tsx'
import { Sign } from '../../components/sign.tsx'
import { Status } from '../../components/status.tsx'
import { Line, Text } from '../../components/text.tsx'
import { now, Time } from '../../components/time.tsx'
import { count, counted, dollars, duration } from '../../text/times.ts'
import type { Execution } from './use-execution.ts'

/** @param missing tasks that are not read yet */
export function ExecutionHeader({ execution: { detail, tasks, missing } }: { execution: Execution }) {
  const {
    execution_id: id,
    status,
    request,
    error,
    result,
    metrics,
    created_at: created,
    finished_at: finished,
  } = detail
  const level = useMemo(() => tasks.reduce((most, task) => Math.max(most, task.level), 0), [tasks])
  const words = typeof request.task === 'string' && request.task !== '' ? request.task : 'Execution'
  const took = finished === null ? now.value - Date.parse(created) : Date.parse(finished) - Date.parse(created)
  return (
    <div class="execution-head">
      <header>
        <h1>
          <Line text={words} max={300} />
        </h1>
        <Status status={status} />
      </header>
      <dl class="facts-inline">
        <Fact name="id">
          <Id id={id} whole />
        </Fact>
        <Fact name="requested by">
          <Line text={`${detail.tenant}.${detail.user}`} />
        </Fact>
        <Fact name="begun">
          <Time at={created} />
        </Fact>
        <Fact name={finished === null ? 'running for' : 'took'}>{duration(Math.max(0, took))}</Fact>
        <Fact name="found by">{methodWords(detail)}</Fact>
        <Fact name="level">{level}</Fact>
        <Fact name="tasks">{missing > 0 ? `${count(tasks.length + missing)}, being read` : tasksWords(tasks)}</Fact>
        <Fact name="cost">
          {dollars(metrics.cost_usd)}
          {metrics.tokens_used > 0 && `, ${counted(metrics.tokens_used, 'token')}`}
        </Fact>
      </dl>
      <Proof detail={detail} />
      {error && (
        <div class="note bad" role="status">
          <strong class="text-bad">
            <Sign of="✕" /> {error.code}
          </strong>{' '}
          <Line text={error.message} max={600} />
        </div>
      )}
      {(detail.readings ?? []).map(({ of, text, by }) => (
        <p key={of} class="quiet">
          Read as <Line text={text ?? 'the titles of its tasks'} />, by {by}: <Line text={of} />
        </p>
      ))}
      {result && !error && <Text text={result.text} max={240} />}
    </div>
  )
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function methodWords({ method, template_used: template, model_used: model, metrics }: ExecutionDetail): string {
  const names = {
    autonomous: 'a rule',
    cached: 'the cache',
    llm_assisted: 'a model',
    fallback: 'a fallback',
    error: 'nothing',
  }
  return [
    method === null ? 'not known yet' : names[method],
    ...(metrics.cache_hit && method !== 'cached' ? ['the cache'] : []),
    ...(template === null ? [] : [`template ${template}`]),
    ...(model === null ? [] : [model]),
  ].join(', ')
}

function tasksWords(tasks: readonly TaskView[]): string {
  const failed = tasks.filter(({ actual_status: status }) => status === 'failed' || status === 'blocked').length
  const done = tasks.filter(({ actual_status: status }) => status === 'done').length
  return `${count(done)} of ${count(tasks.length)} done${failed > 0 ? `, ${count(failed)} failed` : ''}`
}

/** Whether it is known that the task was done, once the execution is. */
function Proof({ detail: { status, task_verified: verified, verification } }: { detail: ExecutionDetail }) {
  if (status !== 'done') return null
  const proofs = verification.filter(({ kind }) => kind !== 'validated')
  const held = proofs.filter(({ outcome }) => outcome === 'verified').length
  if (verified && held === proofs.length) {
    return (
      <p class="text-good">
        <Sign of="✓" />{' '}
        {proofs.length === 0 ? 'Done, and verified.' : `Done: ${held} of ${proofs.length} observations verified.`}
      </p>
    )
  }
  return (
    <p class="note wait">
      <span aria-hidden="true">? </span>
      {verified
        ? `${held} of ${proofs.length} observations verified; the others could not be observed a second time.`
        : 'Unproven: a model chose these actions. That they hold does not show that the task is done; check the result.'}
    </p>
  )
}
