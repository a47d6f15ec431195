/** The tasks of all executions: what is wanted, what is, and why they differ. */
import type { TaskView } from '@deed/proto/task'
import { useMemo } from 'preact/hooks'
import { useKeys } from '../../app/keys.ts'
import { place, urlOf } from '../../app/router.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { type FilterField, Filters } from '../../components/filters.tsx'
import { CommandLine, Id } from '../../components/id.tsx'
import { Empty, Loaded } from '../../components/states.tsx'
import { Status } from '../../components/status.tsx'
import { Line } from '../../components/text.tsx'
import { Time } from '../../components/time.tsx'
import { statusWords } from '../../text/status-words.ts'
import { count } from '../../text/times.ts'
import { readTaskFilter, STATUSES } from './filter.ts'
import { useTaskRows } from './use-task-rows.ts'

const FIELDS: readonly FilterField[] = [
  {
    name: 'status',
    title: 'Status',
    options: [
      { value: 'open', title: 'not ended' },
      ...STATUSES.map((value) => ({ value, title: statusWords(value).word })),
    ],
  },
  { name: 'execution', title: 'Execution', placeholder: 'its whole id' },
]

const hrefOf = ({ execution_id: execution, task_id: task }: TaskView): string =>
  urlOf(`/executions/${execution}`, { task })

const COLUMNS: readonly Column<TaskView>[] = [
  {
    name: 'title',
    title: 'Task',
    cell: (task) => (
      <a href={hrefOf(task)}>
        <Line text={task.title} max={160} />
      </a>
    ),
  },
  {
    name: 'want',
    title: 'Want',
    width: '96px',
    wideOnly: true,
    cell: ({ desired_status: want }) => statusWords(want).word,
  },
  {
    name: 'have',
    title: 'Have',
    width: '112px',
    wideOnly: true,
    cell: ({ actual_status: have }) => <Status status={have} />,
  },
  {
    name: 'agent',
    title: 'Agent',
    width: '112px',
    wideOnly: true,
    cell: ({ agent }) => (agent === null ? '-' : <Line text={agent} max={64} />),
  },
  {
    name: 'failures',
    title: 'Failures',
    width: '74px',
    numeric: true,
    wideOnly: true,
    cell: ({ failures }) => <span class={failures > 0 ? 'text-bad' : 'quiet'}>{failures}</span>,
  },
  {
    name: 'error',
    title: 'Error',
    width: '26%',
    wideOnly: true,
    cell: ({ error }) => error && <Line text={`${error.code}: ${error.message}`} max={200} />,
  },
  {
    name: 'execution',
    title: 'Execution',
    width: '112px',
    wideOnly: true,
    cell: ({ execution_id: id }) => <Id id={id} href={`/executions/${id}`} />,
  },
  {
    name: 'began',
    title: 'Began',
    width: '96px',
    wideOnly: true,
    cell: ({ started_at: at }) => (at === null ? '-' : <Time at={at} />),
  },
]

export default function Tasks() {
  const { query } = place.value
  const key = JSON.stringify(query)
  const filter = useMemo(() => readTaskFilter(query), [key])
  const list = useTaskRows(key, filter)
  useKeys('Tasks', [
    { key: 'f', does: 'to the filters', run: () => document.querySelector<HTMLElement>('.filters select')?.focus() },
  ])
  const { value, more } = list
  return (
    <div class="page">
      <header>
        <h1>Tasks</h1>
        <span class="space" />
        <CommandLine command="get tasks" />
      </header>
      <Filters
        fields={FIELDS}
        faults={filter.faults}
        shown={value && `${count(value.rows.length)} shown${more ? ', and more below' : ''}`}
      />
      <Loaded from={list} what="tasks">
        {({ rows }) =>
          rows.length === 0 ? (
            <Empty title={Object.keys(query).length > 0 ? 'No task matches these filters' : 'There are no tasks yet'}>
              <p>
                {Object.keys(query).length > 0 ? (
                  <a href={place.value.path}>Show all tasks</a>
                ) : (
                  <a href="/new">Request something in plain words</a>
                )}
              </p>
            </Empty>
          ) : (
            <DataTable
              label="tasks"
              columns={COLUMNS}
              rows={rows}
              keyOf={({ task_id: id }) => id}
              titleOf={({ title }) => title}
              hrefOf={hrefOf}
              onMore={more}
              second={({ desired_status: want, actual_status: have, failures, error }) => (
                <>
                  <Status status={have} note={want === have ? undefined : `wanted: ${statusWords(want).word}`} />
                  {failures > 0 && <span class="text-bad">{failures} failed</span>}
                  {error && <Line text={error.code} />}
                </>
              )}
            />
          )
        }
      </Loaded>
    </div>
  )
}
