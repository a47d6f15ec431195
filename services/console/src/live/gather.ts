/**
 * Events of a short time as one message. Where they are many, those that say nothing that the others do not are left out: of an
 * execution and of a task the last event stays, of each type one does, and none has what only the audit log needs.
 */
import type { executionEvent } from '@deed/proto/execution'
import type { z } from 'zod'

export type ExecutionEvent = z.output<typeof executionEvent.payload>

/** After a message, the next one waits so long; after one of many events, so much longer. */
const FEW_MS = 50
const MANY_MS = 200
/** As many are sent as they are. */
const FEW = 20

/** @param send is given the first after a pause at once, and those that follow soon together, in order */
export function gather(send: (together: readonly ExecutionEvent[]) => void): Disposable & {
  add(event: ExecutionEvent): void
} {
  let waiting: ExecutionEvent[] = []
  let timer: NodeJS.Timeout | undefined
  const flush = (): void => {
    timer = undefined
    if (waiting.length === 0) return
    const together = waiting
    waiting = []
    timer = setTimeout(flush, together.length > FEW ? MANY_MS : FEW_MS)
    send(together.length > FEW ? digest(together) : together)
  }
  return {
    add(event) {
      waiting.push(event)
      if (timer === undefined) flush()
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  }
}

/** @param events in order @returns those that a page needs, in order; each type is among them */
export function digest(events: readonly ExecutionEvent[]): ExecutionEvent[] {
  const said = new Set<string>()
  const kept: ExecutionEvent[] = []
  for (const event of events.toReversed()) {
    const says = [event.execution_id, event.type, ...(event.task_id ? [event.task_id] : [])]
    // Once it has ended, what follows is seldom about how.
    const needed = event.type === 'execution.ended' || says.some((one) => !said.has(one))
    if (!needed) continue
    for (const one of says) said.add(one)
    kept.push({ ...event, data: {} })
  }
  return kept.reverse()
}
