/** One execution: opens at the task that failed, with its claim beside what was observed. */
import { useMemo } from 'preact/hooks'
import { call } from '../../app/call.ts'
import { useResource } from '../../app/resource.ts'
import { oneOf, place, readQuery, UUID, uuid, words } from '../../app/router.ts'
import { may } from '../../app/session.ts'
import { CommandLine } from '../../components/id.tsx'
import { LOG_QUERY, LogsView } from '../../components/logs-view.tsx'
import { Empty, Loaded } from '../../components/states.tsx'
import { Line } from '../../components/text.tsx'
import { ViewTabs } from '../../components/view-tabs.tsx'
import { attemptReader } from './attempts.ts'
import { AuditView } from './audit-view.tsx'
import { ExecutionHeader } from './execution-header.tsx'
import { ReceiptView } from './receipt-view.tsx'
import { RecordView } from './record-view.tsx'
import { TasksView } from './tasks-view.tsx'
import { TimelineView } from './timeline-view.tsx'
import { TraceView } from './trace-view.tsx'
import { type Execution, useExecution } from './use-execution.ts'
import { VerbBar } from './verb-bar.tsx'
import { WaitingView } from './waiting-view.tsx'

const VIEWS = ['tasks', 'timeline', 'trace', 'cost', 'audit', 'record', 'logs'] as const
type View = (typeof VIEWS)[number]

const TITLES: Readonly<Record<View, string>> = {
  tasks: 'Tasks',
  timeline: 'Timeline',
  trace: 'Trace',
  cost: 'Cost',
  audit: 'Audit rows',
  record: 'Record',
  logs: 'Logs',
}

const anyText = words(200)
const QUERY = {
  view: oneOf(VIEWS),
  task: uuid,
  group: anyText,
  status: anyText,
  row: anyText,
  from: anyText,
  to: anyText,
  statements: oneOf(['true']),
  ...LOG_QUERY,
}

export default function ExecutionPage({ id = '' }: Record<string, string>) {
  return UUID.test(id) ? (
    <OneExecution key={id} id={id.toLowerCase()} />
  ) : (
    <div class="page">
      <header>
        <h1>Execution</h1>
      </header>
      <Empty title="This is no id of an execution">
        <p>
          An id has 36 characters. Its last digits are enough to search for it: press <kbd>/</kbd>, or see{' '}
          <a href="/executions">all executions</a>.
        </p>
      </Empty>
    </div>
  )
}

function OneExecution({ id }: { id: string }) {
  const execution = useExecution(id)
  return (
    <div class="page execution">
      {execution.value === undefined && (
        <header>
          <h1>Execution</h1>
        </header>
      )}
      <Loaded from={execution} what="the execution">
        {(value) => <Shown execution={value} unwatched={execution.unwatched} />}
      </Loaded>
    </div>
  )
}

function Shown({ execution, unwatched }: { execution: Execution; unwatched: string | undefined }) {
  const { detail, tasks, rows, rowCount, missing } = execution
  const { execution_id: id, status, approval_id: approvalId } = detail
  const { values, faults } = readQuery(place.value.query, QUERY)
  const view = values.view ?? 'tasks'
  const readAttempts = useMemo(attemptReader, [rows])
  const attempts = useMemo(() => readAttempts(rows, rowCount), [readAttempts, rows, rowCount])
  // Each approval and each decision is a row, so the number of such rows says when to read them again.
  const decisions = useMemo(
    () => rows.slice(0, rowCount).filter(({ type }) => type.startsWith('approval.')).length,
    [rows, rowCount],
  )
  const approvals = useResource(`approvals ${id} ${decisions}`, async (signal) =>
    decisions > 0 && may('approval.list')
      ? (await call('approval.list', { execution_id: id }, { signal })).approvals
      : [],
  )
  return (
    <>
      <ExecutionHeader execution={execution} />
      <VerbBar id={id} status={status} />
      <WaitingView
        approvalId={detail.finished_at === null ? approvalId : undefined}
        question={detail.question}
        approvals={approvals.value ?? []}
      />
      {unwatched !== undefined && (
        <p class="note bad" role="status">
          What happens is not shown while it happens: <Line text={unwatched} />
        </p>
      )}
      {faults.length > 0 && (
        <p class="state error" role="alert">
          This address has parts that mean nothing here: <Line text={faults.join(', ')} max={200} />.{' '}
          <a href={place.value.path}>Show the execution</a>
        </p>
      )}
      <ViewTabs of="this execution" views={TITLES} view={view} kept={['task']} />
      {view === 'tasks' && (
        <TasksView
          tasks={tasks}
          missing={missing}
          attempts={attempts}
          approvals={approvals.value ?? []}
          ended={detail.finished_at !== null}
          chosen={values.task}
          group={values.group}
          status={values.status}
        />
      )}
      {view === 'timeline' && (
        <TimelineView
          tasks={tasks}
          attempts={attempts}
          start={Date.parse(detail.created_at)}
          end={detail.finished_at === null ? undefined : Date.parse(detail.finished_at)}
        />
      )}
      {view === 'trace' && <TraceView id={id} traceId={detail.trace_id} finishedAt={detail.finished_at} />}
      {view === 'cost' && <ReceiptView detail={detail} />}
      {view === 'audit' && <AuditView id={id} rows={rows} rowCount={rowCount} tasks={tasks} />}
      {view === 'record' && <RecordView execution={execution} />}
      {view === 'logs' && (
        <>
          <LogsView execution={id} />
          <CommandLine command={`logs --execution ${id}`} />
        </>
      )}
    </>
  )
}
