/**
 * What runs under a concurrency key, as far as this replica knows, and who waits for it.
 *
 * The unique index in PostgreSQL decides. This spares statements that it would refuse, and takes the next one on as
 * soon as a key is free instead of at the next resync.
 */
import type { ExecutionId, TaskId } from '@deed/proto/ids'

export interface ConcurrencyKeys {
  isFree(key: string): boolean
  /** Wakes the execution when the key may be free. Who holds it in another replica is not known here. */
  wait(key: string, execution: ExecutionId): void
  take(key: string, task: TaskId): void
  /** The task runs no more; one that had no key changes nothing. */
  release(task: TaskId): void
}

export function concurrencyKeys(wake: (id: ExecutionId) => void): ConcurrencyKeys {
  const holders = new Map<string, TaskId>()
  const keyOf = new Map<TaskId, string>()
  const waiting = new Map<string, Set<ExecutionId>>()

  const release = (task: TaskId): void => {
    const key = keyOf.get(task)
    if (key === undefined) return
    keyOf.delete(task)
    if (holders.get(key) === task) holders.delete(key)
    const woken = waiting.get(key)
    waiting.delete(key)
    for (const id of woken ?? []) wake(id)
  }

  return {
    isFree: (key) => !holders.has(key),
    wait(key, execution) {
      const queue = waiting.get(key)
      if (queue) queue.add(execution)
      else waiting.set(key, new Set([execution]))
    },
    take(key, task) {
      holders.set(key, task)
      keyOf.set(task, key)
    },
    release,
  }
}
