/**
 * How much the workers can take, and who waits for room.
 *
 * Queued work waits in PostgreSQL. What is here is this replica's view of it: slots that workers have
 * announced, minus what is handed out, and the executions that found no room, in their turn.
 */
import type { ExecutionId } from '@deed/proto/ids'
import type { Capability } from '@deed/proto/states'
import { type FairQueue, fairQueue } from './fair-queue.ts'

/** Longer than this a plan does not wait to be stored. */
const ROOM_MS_MAX = 250

/** Who asks for room. */
export interface Asking {
  id: ExecutionId
  tenant: string
  /** 1 is first, 9 is last. */
  priority: number
}

export interface Capacity {
  take(capability: Capability, asking: Asking): boolean
  /**
   * Waits a little until there is room, so that a plan and the lease on its first task are one commit rather than two.
   * To be told when the slot that was kept is taken, or not wanted after all.
   */
  room(capability: Capability, asking: Asking): Promise<() => void>
  release(capability: Capability): void
  /** What the live workers announce, and what other replicas have handed out. */
  announce(capability: Capability, slots: number, elsewhere: number): void
  /** How many executions of a tenant wait for room. */
  waitingOf(tenant: string): number
}

/** @param wake takes an execution on that had to wait; a slot is kept for it until it resolves */
export function capacityOf(wake: (id: ExecutionId) => Promise<unknown>): Capacity {
  const pools = new Map<Capability, Pool>()
  const poolOf = (capability: Capability): Pool => {
    const pool = pools.get(capability)
    if (pool) return pool
    const made: Pool = { slots: 0, elsewhere: 0, taken: 0, keptFor: new Set(), waiting: fairQueue() }
    pools.set(capability, made)
    return made
  }
  const wakeNext = (pool: Pool): void => {
    while (hasRoom(pool)) {
      const next = pool.waiting.next()
      if (!next) return
      // Else whoever comes by first would have it, and this one would wait again.
      pool.taken++
      pool.keptFor.add(next.id)
      void next.goOn().finally(() => {
        if (!pool.keptFor.delete(next.id)) return
        pool.taken--
        wakeNext(pool)
      })
    }
  }
  return {
    take(capability, asking) {
      const pool = poolOf(capability)
      const { id } = asking
      if (pool.keptFor.delete(id)) return true
      if (hasRoom(pool)) {
        pool.taken++
        return true
      }
      pool.waiting.add(asking, { id, goOn: () => wake(id) })
      return false
    },
    room(capability, asking) {
      const pool = poolOf(capability)
      const { id } = asking
      if (hasRoom(pool)) return Promise.resolve(() => undefined)
      return new Promise((resolve) => {
        const late = setTimeout(() => {
          pool.waiting.remove(id)
          resolve(() => undefined)
        }, ROOM_MS_MAX)
        const goOn = (): Promise<void> => {
          clearTimeout(late)
          return new Promise<void>((done) => resolve(done))
        }
        pool.waiting.add(asking, { id, goOn })
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
    waitingOf(tenant) {
      let waiting = 0
      for (const pool of pools.values()) waiting += pool.waiting.waitingOf(tenant)
      return waiting
    },
  }
}

interface Pool {
  slots: number
  elsewhere: number
  taken: number
  /** Executions that were woken, and have a slot in `taken` each. */
  keptFor: Set<ExecutionId>
  waiting: FairQueue<{ id: ExecutionId; goOn: () => Promise<unknown> }>
}

const hasRoom = ({ taken, elsewhere, slots }: Pool): boolean => taken + elsewhere < slots
