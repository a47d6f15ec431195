/** Which actions of an ended execution a rollback undoes, and in which order. */
import { DeedError } from '@deed/proto/errors'
import type { TaskId } from '@deed/proto/ids'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { oldestFirst } from '../execution/progress.ts'
import type { Snapshot, TaskRow } from '../execution/snapshot.ts'

/**
 * @param taskIds the tasks to undo; undefined: all that have an effect
 * @returns newest effect first, the order of undoing
 * @throws {DeedError} `already_rolled_back`; `not_undoable` if it still runs, has changed nothing, or later actions
 *   depend on it
 */
export function toRollBack(
  { execution, tasks }: Pick<Snapshot, 'execution' | 'tasks'>,
  taskIds?: readonly TaskId[],
): TaskRow[] {
  const { status } = execution
  if (!FINAL_EXECUTION_STATUSES.has(status) && status !== 'undoing') {
    throw new DeedError('not_undoable', `the execution is ${status}; cancel it with undo instead`)
  }
  if (execution.pruned_at) {
    throw new DeedError('not_undoable', `the data for a rollback were removed at ${execution.pruned_at} (retention)`)
  }
  const chosen = taskIds === undefined ? allOf(execution.status, tasks) : taskIds.map((id) => oneOf(tasks, id))
  const ids = new Set(chosen.map(({ task_id }) => task_id))
  const resting = dependentsOf(tasks, ids).filter(({ task_id }) => !ids.has(task_id))
  if (resting.length > 0) {
    const titles = resting.map(({ title }) => title)
    throw new DeedError('not_undoable', `later actions depend on it; undo them, too: ${titles.join(', ')}`, {
      details: { dependents: titles },
    })
  }
  return chosen.sort((one, other) => oldestFirst(other, one))
}

/** Tasks with a remaining effect that depend, directly or indirectly, on one of these. */
export function dependentsOf(tasks: ReadonlyMap<TaskId, TaskRow>, ids: ReadonlySet<TaskId>): TaskRow[] {
  const waitFor = new Map<TaskId, TaskId[]>()
  for (const { task_id, dependencies } of tasks.values()) {
    for (const id of dependencies) {
      const ones = waitFor.get(id)
      if (ones) ones.push(task_id)
      else waitFor.set(id, [task_id])
    }
  }
  const met = new Set<TaskId>()
  const open = [...ids]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const one of waitFor.get(id) ?? []) {
      if (met.has(one)) continue
      met.add(one)
      open.push(one)
    }
  }
  return [...met].flatMap((id) => tasks.get(id) ?? []).filter(({ effect }) => effect !== 'none')
}

function allOf(status: string, tasks: ReadonlyMap<TaskId, TaskRow>): TaskRow[] {
  const effects = [...tasks.values()].filter(({ effect }) => effect !== 'none')
  if (effects.length > 0) return effects
  const undone = [...tasks.values()].some(({ actual_status }) => actual_status === 'undone')
  if (undone || status === 'rolled_back') {
    throw new DeedError('already_rolled_back', 'everything that the execution did is already undone')
  }
  throw new DeedError('not_undoable', 'the execution has changed nothing that could be undone', {
    details: { nothing_changed: true },
  })
}

function oneOf(tasks: ReadonlyMap<TaskId, TaskRow>, id: TaskId): TaskRow {
  const task = tasks.get(id)
  if (!task) throw new DeedError('not_found', `task ${id} is not of this execution`)
  if (task.actual_status === 'undone') throw new DeedError('already_rolled_back', `"${task.title}" is already undone`)
  if (task.effect === 'none') throw new DeedError('not_undoable', `"${task.title}" has changed nothing to undo`)
  return task
}
