/** Which tasks of a plan always come before another one. */
import type { TaskId } from '@deed/proto/ids'
import type { TaskRow } from '../execution/snapshot.ts'

export function predecessors({ dependencies }: TaskRow, tasks: ReadonlyMap<TaskId, TaskRow>): Set<TaskId> {
  const found = new Set<TaskId>()
  const next = [...dependencies]
  for (let id = next.pop(); id !== undefined; id = next.pop()) {
    if (found.has(id)) continue
    found.add(id)
    next.push(...(tasks.get(id)?.dependencies ?? []))
  }
  return found
}

/** Whether `later` always comes after `earlier`. */
export const comesAfter = (later: TaskRow, earlier: TaskId, tasks: ReadonlyMap<TaskId, TaskRow>): boolean =>
  predecessors(later, tasks).has(earlier)
