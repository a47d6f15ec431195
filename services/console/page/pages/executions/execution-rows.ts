/** The rows of the list: the newest are read again when something happens, older ones a page at a time. Pure. */
import type { Output } from '../../app/contracts.ts'
import type { ExecutionEvent } from '../../app/live.ts'

export type Page = Output<'execution.list'>
export type Row = Page['executions'][number]

export interface ExecutionRows {
  /** Newest first, each once. */
  readonly rows: readonly Row[]
  /** Where the next page begins; null: all are here. */
  readonly cursor: Page['next_cursor']
}

/** The newest page replaces what is as new as its last row; older rows stay. */
export function withHead(before: ExecutionRows, head: Page): ExecutionRows {
  const last = head.next_cursor === null ? undefined : head.executions.at(-1)?.execution_id
  const older = last === undefined ? [] : before.rows.slice(placeAfter(before.rows, last))
  // A page without rows says nothing about what is older.
  if (head.next_cursor !== null && last === undefined && before.rows.length > 0) return before
  const newest = before.rows[0]?.execution_id
  // So much is new that the pages do not meet.
  if (last !== undefined && newest !== undefined && newest < last)
    return { rows: head.executions, cursor: head.next_cursor }
  return {
    rows: [...head.executions, ...older],
    cursor: older.length > 0 ? before.cursor : head.next_cursor,
  }
}

/** The next page, after all rows that are here. */
export function withPage(before: ExecutionRows, page: Page): ExecutionRows {
  const last = before.rows.at(-1)?.execution_id
  const fresh = last === undefined ? page.executions : page.executions.filter(({ execution_id: id }) => id < last)
  return { rows: [...before.rows, ...fresh], cursor: page.next_cursor }
}

/**
 * What events say, in the rows of their executions. One copy for all of them: there may be a hundred thousand rows.
 *
 * @param all no filter leaves rows out, so that one that is not here yet is added
 * @returns the same value if nothing changes
 */
export function withEvents(before: ExecutionRows, events: readonly ExecutionEvent[], all: boolean): ExecutionRows {
  let changed: Row[] | undefined
  for (const event of events) {
    const rows: readonly Row[] = changed ?? before.rows
    const place = placeOf(rows, event.execution_id)
    const row = rows[place]
    const isHere = row?.execution_id === event.execution_id
    if (isHere && row.status === event.status) continue
    const added = !isHere && all && (place < rows.length || before.cursor === null) ? rowOf(event) : undefined
    if (!isHere && !added) continue
    changed ??= before.rows.slice()
    if (added) changed.splice(place, 0, added)
    else if (row) changed[place] = { ...row, status: event.status }
  }
  return changed ? { ...before, rows: changed } : before
}

/** As much as an event tells; how it ended is read. */
function rowOf({ execution_id, status, task, user }: ExecutionEvent): Row | undefined {
  if (task === undefined || user === undefined) return undefined
  return {
    ...{ execution_id, status, task, user, created_at: requestedAt(execution_id) },
    ...{ error: null, method: null, template_used: null, success: false, finished_at: null, time_ms: null },
  }
}

/** An id begins with the time, in milliseconds since 1970. */
const requestedAt = (id: string): string =>
  new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)).toISOString()

/** Where older rows begin. */
function placeAfter(rows: readonly Row[], id: string): number {
  const place = placeOf(rows, id)
  return rows[place]?.execution_id === id ? place + 1 : place
}

/** Where the row is, or would be: ids begin with their time. A search of all rows for each event would take a frame. */
function placeOf(rows: readonly Row[], id: string): number {
  let [from, to] = [0, rows.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if ((rows[middle]?.execution_id ?? '') > id) from = middle + 1
    else to = middle
  }
  return from
}
