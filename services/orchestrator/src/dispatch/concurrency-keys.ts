/**
 * The concurrency keys that this replica knows to be busy, and the executions that wait for them.
 *
 * The unique indexes in PostgreSQL decide. This avoids statements that they would refuse, and resumes the next
 * execution as soon as a key is free instead of at the next resync.
 */
import type { ExecutionId, TaskId } from '@deed/proto/ids'

export interface ConcurrencyKeys {
  isFree(key: string): boolean
  /** Wakes the execution when the key may be free. Holders in other replicas are unknown here. */
  wait(key: string, execution: ExecutionId): void
  take(keys: readonly string[], task: TaskId): void
  /** The task has stopped running; no-op for a task without a key. */
  release(task: TaskId): void
}

export function concurrencyKeys(wake: (id: ExecutionId) => void): ConcurrencyKeys {
  const holders = new Map<string, TaskId>()
  const keysOf = new Map<TaskId, readonly string[]>()
  const waiting = new Map<string, Set<ExecutionId>>()

  const release = (task: TaskId): void => {
    const keys = keysOf.get(task) ?? []
    keysOf.delete(task)
    for (const key of keys) if (holders.get(key) === task) holders.delete(key)
    // All keys are released before anyone is woken: a waiting execution may need several.
    const woken = new Set(keys.flatMap((key) => [...(waiting.get(key) ?? [])]))
    for (const key of keys) waiting.delete(key)
    for (const id of woken) wake(id)
  }

  return {
    isFree: (key) => !holders.has(key),
    wait(key, execution) {
      const queue = waiting.get(key)
      if (queue) queue.add(execution)
      else waiting.set(key, new Set([execution]))
    },
    take(keys, task) {
      if (keys.length === 0) return
      for (const key of keys) holders.set(key, task)
      keysOf.set(task, keys)
    },
    release,
  }
}
