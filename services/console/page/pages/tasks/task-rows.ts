/** The rows of the list of tasks: the newest page is read again as things happen, older pages stay. */
import type { TaskStatus } from '@deed/proto/states'
import type { TaskView } from '@deed/proto/task'
import type { ExecutionEvent } from '../../app/live.ts'
import { tasksAfter } from '../../app/task-changes.ts'

export interface TaskRows {
  readonly rows: readonly TaskView[]
  /** Where the next page begins; null: all are here. */
  readonly cursor: string | null
}

export interface TaskPage {
  readonly tasks: readonly TaskView[]
  readonly next_cursor: string | null
}

/** The newest page, read again. What has left it without being older is gone. */
export function withHead({ rows, cursor }: TaskRows, page: TaskPage): TaskRows {
  const last = page.tasks.at(-1)?.task_id
  const place = rows.findIndex(({ task_id: id }) => id === last)
  // Nothing older was read, or so much is new that the pages do not meet.
  if (page.next_cursor === null || place < 0) return { rows: page.tasks, cursor: page.next_cursor }
  return {
    rows: [...page.tasks, ...rows.slice(place + 1)],
    cursor: place + 1 < rows.length ? cursor : page.next_cursor,
  }
}

export const withPage = ({ rows }: TaskRows, page: TaskPage): TaskRows => ({
  rows: [...rows, ...page.tasks],
  cursor: page.next_cursor,
})

/** @param wanted what the filter lets through @returns the same value if nothing changes */
export function withEvents(
  known: TaskRows,
  events: readonly ExecutionEvent[],
  wanted: (status: TaskStatus) => boolean,
): TaskRows {
  const rows = tasksAfter(known.rows, events)
  return rows === known.rows ? known : { ...known, rows: rows.filter(({ actual_status: status }) => wanted(status)) }
}
