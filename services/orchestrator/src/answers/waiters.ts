/**
 * Who waits for an answer here, and until when.
 *
 * The rows in `waiters` are the promise; the timers here only keep the deadline punctual. Where this
 * process is gone, the resync of another answers.
 */
import type { Bus } from '@deed/mesh/bus'
import type { ExecutionReply } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'

export interface Waiters {
  /** Calls `late` at the deadline, on the clock of `performance.now()`, unless the answer came before. */
  wait(id: ExecutionId, deadline: number, late: () => void): void
  /** Gives the answer to one of them. */
  answer(replyTo: string, reply: ExecutionReply): void
  /** The execution has ended, and everybody has been answered. */
  forget(id: ExecutionId): void
  close(): void
}

export function openWaiters(bus: Bus): Waiters {
  const timers = new Map<ExecutionId, Set<NodeJS.Timeout>>()
  return {
    wait(id, deadline, late) {
      const timer = setTimeout(late, Math.max(0, deadline - performance.now()))
      const known = timers.get(id)
      if (known) known.add(timer)
      else timers.set(id, new Set([timer]))
    },
    answer: (replyTo, reply) => bus.answer(replyTo, reply),
    forget(id) {
      for (const timer of timers.get(id) ?? []) clearTimeout(timer)
      timers.delete(id)
    },
    close() {
      for (const id of timers.keys()) for (const timer of timers.get(id) ?? []) clearTimeout(timer)
      timers.clear()
    },
  }
}
