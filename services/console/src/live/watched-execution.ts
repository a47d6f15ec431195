/**
 * One execution that a page watches: each row of its audit log is sent once, in order. Rows come from events where these
 * follow each other; where one is missing, or the page is slow, they are read back after the last one that was sent.
 */
import type { Bus } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import { AuditRow, watchExecution as contract } from '@deed/proto/execution'
import type { ExecutionId, Principal } from '@deed/proto/ids'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import type { ExecutionEvent } from './gather.ts'
import { messageText } from './message-text.ts'
import type { Outlet } from './outlet.ts'

/** An event that was lost does not come again, so the numbers are compared now and then while it is open. */
const COMPARE_MS = 5_000
const RETRY_MS = 1_000

export interface WatchedExecution extends Disposable {
  onEvent(event: ExecutionEvent): void
  /** Events may be missing: reads what is new. */
  readBack(): void
}

interface Parts {
  bus: Pick<Bus, 'call'>
  principal: Principal
  id: ExecutionId
  /** The number of the last row that the page has. */
  after: number
  outlet: Outlet
  /** Called once it cannot be watched. */
  onRefused(error: DeedError): void
}

export function watchExecution({ bus, principal, id, after, outlet, onRefused }: Parts): WatchedExecution {
  let last = after
  let behind = false
  let reading = false
  const ended = new AbortController()
  let timer: NodeJS.Timeout | undefined

  const schedule = (ms: number): void => {
    clearTimeout(timer)
    if (!ended.signal.aborted) timer = setTimeout(readBack, ms)
  }
  const readPage = async (): Promise<void> => {
    const { executions, events } = await bus.call(
      contract,
      { execution_id: id, after: last },
      { principal, signal: ended.signal },
    )
    const [execution] = executions
    const rows = events.filter(({ seq }, index) => seq === last + index + 1)
    const next = last + rows.length
    if (execution === undefined) return
    await outlet.sendRows(messageText({ type: 'rows', execution_id: id, rows, last_seq: next, execution }))
    last = next
    behind ||= execution.last_seq > last
    if (!FINAL_EXECUTION_STATUSES.has(execution.status as never)) schedule(COMPARE_MS)
  }
  const readAll = async (): Promise<void> => {
    while (behind && !ended.signal.aborted) {
      behind = false
      await readPage()
    }
  }
  const readBack = (): void => {
    behind = true
    if (reading || ended.signal.aborted) return
    reading = true
    clearTimeout(timer)
    readAll()
      .catch((error: unknown) => {
        if (ended.signal.aborted || !(error instanceof DeedError)) return
        // Nobody answers for now.
        if (error.retryable) return schedule(RETRY_MS)
        onRefused(error)
      })
      .finally(() => {
        reading = false
      })
  }
  readBack()
  return {
    onEvent(event) {
      if (event.execution_id !== id || event.seq <= last) return
      const follows = event.seq === last + 1 && !reading && !behind && outlet.hasRoom()
      // Its end is read, since only then it is known whether it succeeded.
      if (!follows || event.type === 'execution.ended') return readBack()
      last = event.seq
      const row = AuditRow.parse(event)
      void outlet
        .sendRows(messageText({ type: 'rows', execution_id: id, rows: [row], last_seq: last }))
        .catch(() => undefined)
    },
    readBack,
    [Symbol.dispose]() {
      ended.abort()
      clearTimeout(timer)
    },
  }
}
