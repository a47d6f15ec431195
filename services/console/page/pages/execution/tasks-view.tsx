/** The graph and the list of tasks, and the one that is selected. */

import type { ApprovalView } from '@deed/proto/approval'
import type { TaskView } from '@deed/proto/task'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { place, urlOf } from '../../app/router.ts'
import { taskToOpen } from '../../app/task-changes.ts'
import { setQuery } from '../../components/filters.tsx'
import { Sign } from '../../components/sign.tsx'
import { Empty } from '../../components/states.tsx'
import { statusWords } from '../../text/status-words.ts'
import { count } from '../../text/times.ts'
import type { Attempt } from './attempts.ts'
import { foldTasks, type Graph } from './fold-tasks.ts'
import { GraphView } from './graph-view.tsx'
import { TaskList } from './task-list.tsx'
import { TaskPanel } from './task-panel.tsx'

/** To fold more tasks than this takes as long as a frame. */
const MANY_TASKS = 1_000
const NO_GRAPH: Graph = { nodes: [], edges: [], edgesOmitted: 0 }

export function TasksView({
  tasks,
  missing,
  attempts,
  approvals,
  ended,
  chosen,
  group,
  status,
}: {
  tasks: readonly TaskView[]
  /** Tasks that are not read yet. */
  missing: number
  attempts: readonly Attempt[]
  approvals: readonly ApprovalView[]
  /** Of the execution. */
  ended: boolean
  /** The id of the task, the key of the folded node and the status that the address names. */
  chosen: string | undefined
  group: string | undefined
  status: string | undefined
}) {
  const selected =
    tasks.find(({ task_id: id }) => id === chosen) ?? (chosen === undefined ? taskToOpen(tasks) : undefined)
  const selectedId = selected?.task_id
  const graph = useGraph(tasks, selectedId)
  const listed = useMemo(() => {
    const ids = group === undefined ? undefined : new Set(graph.nodes.find(({ key }) => key === group)?.task_ids)
    return tasks.filter(
      ({ task_id: id, actual_status }) => (!ids || ids.has(id)) && (status === undefined || actual_status === status),
    )
  }, [tasks, graph, group, status])
  const hrefOf = (id: string): string => urlOf(place.value.path, { ...place.value.query, task: id })
  if (tasks.length === 0) {
    return (
      <Empty title="There are no tasks">
        An answer from the cache has none; a plan that is being made has none yet.
      </Empty>
    )
  }
  return (
    <div class="execution-tasks">
      <div class="map">
        <GraphView
          graph={graph}
          current={group ?? selectedId}
          onSelect={(id, options) => setQuery({ task: id, group: undefined }, options)}
          onFold={(key) => setQuery({ group: key })}
        />
        <StatusChips tasks={tasks} status={status} group={group} listed={listed.length} missing={missing} />
        <TaskList tasks={listed} selected={selectedId} />
      </div>
      {selected ? (
        <TaskPanel
          key={selectedId}
          task={selected}
          tasks={tasks}
          attempts={attempts}
          approvals={approvals}
          ended={ended}
          hrefOf={hrefOf}
        />
      ) : (
        <Empty title={missing > 0 ? 'The task of this address is not read yet' : 'This execution has no such task'}>
          <p>
            <a href={place.value.path}>Show the task that matters most</a>
          </p>
        </Empty>
      )}
    </div>
  )
}

/** That of many tasks follows after the frame that shows them as a list; until then it is the one before. */
function useGraph(tasks: readonly TaskView[], selected: string | undefined): Graph {
  const shown = useRef(NO_GRAPH)
  const [later, setLater] = useState<Graph>()
  const many = tasks.length > MANY_TASKS
  const now = useMemo(() => (many ? undefined : foldTasks(tasks, selected)), [tasks, selected])
  useEffect(() => {
    if (!many) return
    const timer = setTimeout(() => setLater(foldTasks(tasks, selected)))
    return () => clearTimeout(timer)
  }, [tasks, selected])
  shown.current = now ?? later ?? shown.current
  return shown.current
}

/** How many tasks have each status; a press shows those alone. */
function StatusChips({
  tasks,
  status,
  group,
  listed,
  missing,
}: {
  tasks: readonly TaskView[]
  status: string | undefined
  group: string | undefined
  listed: number
  missing: number
}) {
  const counts = useMemo(() => {
    const found = new Map<string, number>()
    for (const { actual_status: one } of tasks) found.set(one, (found.get(one) ?? 0) + 1)
    return [...found]
  }, [tasks])
  return (
    <fieldset class="chips" aria-label="tasks by status">
      {counts.map(([one, many]) => {
        const { word, sign, meaning } = statusWords(one)
        return (
          <button
            key={one}
            type="button"
            class={`status-chip status ${meaning}`}
            aria-pressed={status === one}
            onClick={() => setQuery({ status: status === one ? undefined : one })}
          >
            <Sign of={sign} /> {count(many)} {word}
          </button>
        )
      })}
      {group !== undefined && (
        <span class="chip">
          one folded node
          <button type="button" class="icon" aria-label="show all tasks" onClick={() => setQuery({ group: undefined })}>
            ×
          </button>
        </span>
      )}
      <span class="shown" role="status">
        {count(listed)} of {count(tasks.length)} shown
        {missing > 0 && `, ${count(missing)} are being read`}
      </span>
    </fieldset>
  )
}
