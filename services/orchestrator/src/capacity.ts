/**
 * How much the workers can take, and who waits for room.
 *
 * Queued work waits in PostgreSQL. What is here is this replica's view of it: slots that workers have
 * announced, minus what is handed out, and the executions that found no room, in order of priority.
 */
import type { ExecutionId } from '@deed/proto/ids'
import type { Capability } from '@deed/proto/states'

const PRIORITIES = 9

export interface Capacity {
  take(capability: Capability, execution: ExecutionId, priority: number): boolean
  release(capability: Capability): void
  /** What the live workers announce, and what other replicas have handed out. */
  announce(capability: Capability, slots: number, elsewhere: number): void
}

/** @param wake is told, one for each slot that becomes free, who may go on */
export function capacityOf(wake: (id: ExecutionId) => void): Capacity {
  const pools = new Map<Capability, Pool>()
  const poolOf = (capability: Capability): Pool => {
    const pool = pools.get(capability)
    if (pool) return pool
    const made = {
      slots: 0,
      elsewhere: 0,
      taken: 0,
      waiting: Array.from({ length: PRIORITIES + 1 }, () => new Set<ExecutionId>()),
    }
    pools.set(capability, made)
    return made
  }
  const wakeNext = (pool: Pool): void => {
    let free = pool.slots - pool.elsewhere - pool.taken
    for (const waiting of pool.waiting) {
      for (const id of waiting) {
        if (free-- <= 0) return
        waiting.delete(id)
        wake(id)
      }
    }
  }
  return {
    take(capability, execution, priority) {
      const pool = poolOf(capability)
      if (pool.taken + pool.elsewhere < pool.slots) {
        pool.taken++
        return true
      }
      pool.waiting[Math.min(Math.max(priority, 0), PRIORITIES)]?.add(execution)
      return false
    },
    release(capability) {
      const pool = poolOf(capability)
      pool.taken = Math.max(0, pool.taken - 1)
      wakeNext(pool)
    },
    announce(capability, slots, elsewhere) {
      const pool = poolOf(capability)
      pool.slots = slots
      pool.elsewhere = elsewhere
      wakeNext(pool)
    },
  }
}

interface Pool {
  slots: number
  elsewhere: number
  taken: number
  waiting: Set<ExecutionId>[]
}
