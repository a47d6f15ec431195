/**
 * How much the workers can take, and who waits for room.
 *
 * Queued work waits in PostgreSQL. What is here is this replica's view of it: slots that workers have
 * announced, minus what is handed out, and the executions that found no room, in order of priority.
 */
import type { ExecutionId } from '@deed/proto/ids'
import type { Capability } from '@deed/proto/states'

const PRIORITIES = 9
/** Longer than this a plan does not wait to be stored. */
const ROOM_MS_MAX = 250

export interface Capacity {
  take(capability: Capability, execution: ExecutionId, priority: number): boolean
  /**
   * Waits a little until there is room, so that a plan and the lease on its first task are one commit rather than two.
   * To be told when the slot that was kept is taken, or not wanted after all.
   */
  room(capability: Capability, execution: ExecutionId, priority: number): Promise<() => void>
  release(capability: Capability): void
  /** What the live workers announce, and what other replicas have handed out. */
  announce(capability: Capability, slots: number, elsewhere: number): void
}

/** @param wake takes an execution on that had to wait; a slot is kept for it until it resolves */
export function capacityOf(wake: (id: ExecutionId) => Promise<unknown>): Capacity {
  const pools = new Map<Capability, Pool>()
  const poolOf = (capability: Capability): Pool => {
    const pool = pools.get(capability)
    if (pool) return pool
    const made: Pool = {
      slots: 0,
      elsewhere: 0,
      taken: 0,
      keptFor: new Set(),
      waiting: Array.from({ length: PRIORITIES + 1 }, () => new Map()),
    }
    pools.set(capability, made)
    return made
  }
  const wakeNext = (pool: Pool): void => {
    for (const waiting of pool.waiting) {
      for (const [id, goOn] of waiting) {
        if (!hasRoom(pool)) return
        waiting.delete(id)
        // Else whoever comes by first would have it, and this one would wait again.
        pool.taken++
        pool.keptFor.add(id)
        void goOn().finally(() => {
          if (!pool.keptFor.delete(id)) return
          pool.taken--
          wakeNext(pool)
        })
      }
    }
  }
  return {
    take(capability, execution, priority) {
      const pool = poolOf(capability)
      if (pool.keptFor.delete(execution)) return true
      if (hasRoom(pool)) {
        pool.taken++
        return true
      }
      queueFor(pool, priority).set(execution, () => wake(execution))
      return false
    },
    room(capability, execution, priority) {
      const pool = poolOf(capability)
      if (hasRoom(pool)) return Promise.resolve(() => undefined)
      const queue = queueFor(pool, priority)
      return new Promise((resolve) => {
        const late = setTimeout(() => {
          queue.delete(execution)
          resolve(() => undefined)
        }, ROOM_MS_MAX)
        queue.set(execution, () => {
          clearTimeout(late)
          return new Promise<void>((done) => resolve(done))
        })
      })
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
  /** Executions that were woken, and have a slot in `taken` each. */
  keptFor: Set<ExecutionId>
  /** By priority: what takes an execution on, in the order of their coming. */
  waiting: Map<ExecutionId, () => Promise<unknown>>[]
}

const hasRoom = ({ taken, elsewhere, slots }: Pool): boolean => taken + elsewhere < slots

function queueFor(pool: Pool, priority: number): Map<ExecutionId, () => Promise<unknown>> {
  const queue = pool.waiting[Math.min(Math.max(priority, 0), PRIORITIES)]
  if (!queue) throw new Error(`there is no queue for priority ${priority}`)
  return queue
}
