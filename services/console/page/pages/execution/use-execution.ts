/** One execution, as it is now: read once, then followed row by row, and read again after what changed. */
import type { AuditRow, ExecutionDetail } from '@deed/proto/execution'
import type { TaskView } from '@deed/proto/task'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { call } from '../../app/call.ts'
import { live } from '../../app/connection.ts'
import { useResource } from '../../app/resource.ts'
import type { ResourceState } from '../../app/resource-state.ts'
import { statusAfter, tasksAfter } from '../../app/task-changes.ts'

/** As many as `task.list` has in one page. */
const TASKS_A_PAGE = 1_000
/** Many tasks are read again at this interval, in milliseconds; the rows tell what happens in between. */
const REREAD_MS = 15_000
/** What follows from more rows than this takes longer than a frame, so new ones are shown a few times in a second. */
const MANY_ROWS = 2_000
const GATHER_MS = { few: 16, many: 250 }

export interface Execution {
  readonly detail: ExecutionDetail
  readonly tasks: readonly TaskView[]
  /** How many tasks are not read yet. */
  readonly missing: number
  /** All rows of its audit log, from the first. The array grows in place; `rowCount` says that it did. */
  readonly rows: readonly AuditRow[]
  readonly rowCount: number
}

interface TaskPages {
  readonly tasks: readonly TaskView[]
  /** The number of the last row that they certainly include. */
  readonly lastSeq: number
}

export function useExecution(id: string): ResourceState<Execution> & {
  /** Why its rows do not arrive any longer. */
  unwatched: string | undefined
  reload(): void
} {
  const resource = useResource(`execution ${id}`, (signal) => call('execution.get', { execution_id: id }, { signal }), {
    on: (event) => event.execution_id === id && event.type === 'execution.ended',
  })
  const detail = resource.value?.execution_id === id ? resource.value : undefined
  const omitted = detail?.omitted?.tasks ?? 0
  const pages = useTaskPages(id, detail, omitted > 0)
  // Where the rows of all its tasks follow, they say what happens; of a few, what is read again says more.
  const { rows, rowCount, unwatched } = useRows(id, detail, omitted > 0 ? undefined : resource.reload)
  const value = useMemo((): Execution | undefined => {
    if (!detail) return undefined
    const read = pages ?? { tasks: detail.tasks, lastSeq: lastSeqOf(detail) }
    // Rows are gapless from 1, so a row's place is its number.
    return {
      detail: { ...detail, status: statusAfter(detail.status, rows.slice(lastSeqOf(detail), rowCount)) },
      tasks: tasksAfter(read.tasks, rows.slice(read.lastSeq, rowCount)),
      missing: pages ? 0 : omitted,
      rows,
      rowCount,
    }
  }, [detail, pages, rows, rowCount])
  return { ...resource, value, unwatched }
}

const lastSeqOf = ({ timeline, omitted }: ExecutionDetail): number => timeline.length + (omitted?.timeline ?? 0)

/** All tasks, where one message has no room for them. */
function useTaskPages(id: string, detail: ExecutionDetail | undefined, wanted: boolean): TaskPages | undefined {
  const latest = useRef(detail)
  latest.current = detail
  const { value, reload } = useResource(`tasks ${id} ${wanted}`, async (signal) => {
    const before = latest.current
    if (!before || !wanted) return undefined
    const tasks: TaskView[] = []
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const input = { execution_id: id, limit: TASKS_A_PAGE, ...(cursor === undefined ? {} : { cursor }) }
      const page = await call('task.list', input, { signal })
      tasks.push(...page.tasks)
      cursor = page.next_cursor
    }
    return { tasks, lastSeq: lastSeqOf(before) }
  })
  const open = detail?.finished_at === null
  useEffect(() => {
    if (!wanted) return
    const timer = setInterval(reload, REREAD_MS)
    // What ended is read once more.
    if (!open) clearInterval(timer)
    reload()
    return () => clearInterval(timer)
  }, [wanted, open])
  return wanted ? value : undefined
}

/** @param onNew is called when rows have arrived */
function useRows(id: string, detail: ExecutionDetail | undefined, onNew: (() => void) | undefined) {
  const latest = useRef(onNew)
  latest.current = onNew
  const rows = useRef<AuditRow[]>([])
  const [rowCount, setRowCount] = useState(0)
  const [unwatched, setUnwatched] = useState<string>()
  const known = detail !== undefined
  useEffect(() => {
    rows.current = detail?.timeline.slice() ?? []
    setRowCount(rows.current.length)
    setUnwatched(undefined)
    if (!known) return
    let timer: ReturnType<typeof setTimeout> | undefined
    const stop = live.watch(id, rows.current.length, (arrived) => {
      if (arrived.error) setUnwatched(arrived.error.message)
      rows.current.push(...arrived.rows)
      if (arrived.rows.length > 0) latest.current?.()
      // Thousands of rows of a long log are one change of the page.
      timer ??= setTimeout(
        () => {
          timer = undefined
          setRowCount(rows.current.length)
        },
        rows.current.length < MANY_ROWS ? GATHER_MS.few : GATHER_MS.many,
      )
    })
    return () => {
      stop()
      clearTimeout(timer)
    }
  }, [id, known])
  return { rows: rows.current, rowCount, unwatched }
}
