/** The executions that a page watches: the rows of each, once and in order, for all who watch it. */
import type { LiveMessage } from '@deed/proto/console'
import type { AuditRow, watchExecution } from '@deed/proto/execution'
import type { z } from 'zod'

export type WatchedExecution = z.output<typeof watchExecution.output>['executions'][number]

export interface Rows {
  execution_id: string
  rows: AuditRow[]
  last_seq: number
  execution?: WatchedExecution
  /** The console stopped watching, and says why. */
  error?: { code: string; message: string }
}

interface Watched {
  last: number
  readonly listeners: Set<(rows: Rows) => void>
}

export interface LiveWatches {
  /** See `Live`. */
  watch(executionId: string, after: number, onRows: (rows: Rows) => void): () => void
  take(message: LiveMessage & { type: 'rows' | 'unwatched' }): void
  /** Asks again for what follows the last rows, after a break. */
  resume(): void
}

/** @param tell sends a message to the console */
export function openWatches(tell: (message: object) => void): LiveWatches {
  const watches = new Map<string, Watched>()
  const ask = (id: string, after: number): void => tell({ type: 'watch', execution_id: id, after })
  return {
    watch(executionId, after, onRows) {
      const watched = watches.get(executionId) ?? { last: after, listeners: new Set() }
      // Who joins later reads from its own row on; the others skip what they have.
      const own = { last: after }
      const listener = (rows: Rows): void => {
        const fresh = rows.rows.filter(({ seq }) => seq > own.last)
        own.last = fresh.at(-1)?.seq ?? own.last
        onRows({ ...rows, rows: fresh })
      }
      watched.last = Math.min(watched.last, after)
      watched.listeners.add(listener)
      watches.set(executionId, watched)
      ask(executionId, watched.last)
      return () => {
        watched.listeners.delete(listener)
        if (watched.listeners.size > 0 || watches.get(executionId) !== watched) return
        watches.delete(executionId)
        tell({ type: 'unwatch', execution_id: executionId })
      }
    },
    take(message) {
      const watched = watches.get(message.execution_id)
      if (!watched) return
      const { rows, gap } = message.type === 'rows' ? rowsAfter(watched.last, message.rows) : { rows: [], gap: false }
      if (gap) return ask(message.execution_id, watched.last)
      watched.last = rows.at(-1)?.seq ?? watched.last
      for (const onRows of watched.listeners) onRows({ ...message, rows, last_seq: watched.last })
    },
    resume() {
      for (const [id, { last }] of watches) ask(id, last)
    },
  }
}

/** The rows that follow `last`, each once. `gap`: one between is missing, so none may be shown yet. */
export function rowsAfter(last: number, rows: readonly AuditRow[]): { rows: AuditRow[]; gap: boolean } {
  const fresh: AuditRow[] = []
  let next = last + 1
  for (const row of [...rows].sort((a, b) => a.seq - b.seq)) {
    if (row.seq < next) continue
    if (row.seq > next) return { rows: [], gap: true }
    fresh.push(row)
    next += 1
  }
  return { rows: fresh, gap: false }
}
