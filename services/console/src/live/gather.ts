/**
 * Events of a short time as one message. Where they are many, those that say nothing that the others do not are left out: of an
 * execution and of a task the last event stays, of each type one does, and none has what only the audit log needs. Of very many
 * the lists are read again in any case, and only what has become of each is said.
 */
import type { LiveEvent } from '@deed/proto/console'
import type { executionEvent } from '@deed/proto/execution'
import type { z } from 'zod'

export type ExecutionEvent = z.output<typeof executionEvent.payload>

/** As many are sent as they are, and as many without what the audit log needs. */
const FEW = 20
const MANY = 100
/** After a message of so many events, the next one waits so long. */
const WAIT_MS = { few: 50, many: 200, crowd: 1_000 }

/** @param send is given the first after a pause at once, and those that follow soon together, in order */
export function gather(send: (together: readonly LiveEvent[]) => void): Disposable & {
  add(event: ExecutionEvent): void
} {
  let waiting: ExecutionEvent[] = []
  let timer: NodeJS.Timeout | undefined
  const flush = (): void => {
    timer = undefined
    if (waiting.length === 0) return
    const together = waiting
    waiting = []
    const size = together.length > MANY ? 'crowd' : together.length > FEW ? 'many' : 'few'
    timer = setTimeout(flush, WAIT_MS[size])
    send(size === 'few' ? together : digest(together).map(size === 'many' ? withoutData : brief))
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
    kept.push(event)
  }
  return kept.reverse()
}

const withoutData = ({ data: _, ...event }: ExecutionEvent): LiveEvent => event

const brief = ({ execution_id, task_id, type, status, at }: ExecutionEvent): LiveEvent => ({
  ...{ execution_id, type, status, at, ...(task_id === undefined ? {} : { task_id }) },
})
