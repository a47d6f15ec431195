/** All tasks of the execution in the order of its plan, equal to the graph: only those in view are drawn. */
import type { TaskView } from '@deed/proto/task'
import { place, urlOf } from '../../app/router.ts'
import { type Column, DataTable } from '../../components/data-table.tsx'
import { Status } from '../../components/status.tsx'
import { Line } from '../../components/text.tsx'
import { duration } from '../../text/times.ts'

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
    name: 'status',
    title: 'Status',
    width: '112px',
    wideOnly: true,
    cell: (task) => <Status status={task.actual_status} />,
  },
  {
    name: 'time',
    title: 'Took',
    width: '80px',
    numeric: true,
    wideOnly: true,
    cell: ({ started_at: from, finished_at: to }) =>
      from && to ? duration(Math.max(0, Date.parse(to) - Date.parse(from))) : '-',
  },
]

const hrefOf = ({ task_id: id }: TaskView): string => urlOf(place.value.path, { ...place.value.query, task: id })

export function TaskList({ tasks, selected }: { tasks: readonly TaskView[]; selected: string | undefined }) {
  return (
    <DataTable
      label="tasks"
      columns={COLUMNS}
      rows={tasks}
      keyOf={({ task_id: id }) => id}
      titleOf={({ title }) => title}
      hrefOf={hrefOf}
      current={selected}
      second={({ actual_status: status, error }) => (
        <>
          <Status status={status} />
          {error && <Line text={error.code} />}
        </>
      )}
    />
  )
}
