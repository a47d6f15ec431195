/**
 * Callers that wait for an answer here, with their deadlines.
 *
 * The rows in `waiters` are durable; the timers here only make the deadline punctual. If this process ends, the resync
 * of another replica answers.
 */
import type { Bus } from '@deed/mesh/bus'
import type { ExecutionReply } from '@deed/proto/execution'
import type { Waiter } from '../store/transitions.ts'

export interface Waiters {
  /** Calls `late` at the deadline, on the clock of `performance.now()`, unless the answer came before. */
  wait(waiter: Waiter, deadline: number, late: () => void): void
  answer(waiter: Waiter, reply: ExecutionReply): void
  close(): void
}

export function openWaiters(bus: Bus): Waiters {
  const timers = new Map<string, NodeJS.Timeout>()
  const clear = (id: string): void => {
    clearTimeout(timers.get(id))
    timers.delete(id)
  }
  return {
    wait({ waiter_id: id }, deadline, late) {
      const timeOut = (): void => {
        timers.delete(id)
        late()
      }
      timers.set(id, setTimeout(timeOut, Math.max(0, deadline - performance.now())))
    },
    answer({ waiter_id: id, reply_to: replyTo }, reply) {
      clear(id)
      bus.answer(replyTo, reply)
    },
    close() {
      for (const id of timers.keys()) clear(id)
    },
  }
}
