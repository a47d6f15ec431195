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

/** The status of an event, in the row of its execution. */
export function withEvent(before: ExecutionRows, { execution_id: id, status }: ExecutionEvent): ExecutionRows {
  const index = placeOf(before.rows, id)
  const row = before.rows[index]
  return row?.execution_id !== id || row.status === status
    ? before
    : { ...before, rows: before.rows.with(index, { ...row, status }) }
}

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
