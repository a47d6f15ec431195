/**
 * The capacity of the workers, and the executions that wait for a slot.
 *
 * Queued work is stored in PostgreSQL. This is one replica's view of it: slots that workers have announced, minus the
 * slots handed out, and the executions that found none, in order.
 */
import type { ExecutionRequest } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import type { Capability } from '@deed/proto/states'
import { OWN_SLOTS, type Pace } from '@deed/proto/task'
import type { ExecutionRow } from '../execution/snapshot.ts'
import { type FairQueue, fairQueue, type OrderOf } from './fair-queue.ts'

/** A plan waits at most this long for a slot before it is stored. */
const ROOM_MS_MAX = 250

/** The execution that requests a slot. */
export interface SlotRequest {
  id: ExecutionId
  tenant: string
  /** 1 is first, 9 is last. */
  priority: number
}

/** The slot that a task occupies while it runs. */
export interface Slot {
  capability: Capability
  pace: Pace
}

export interface Capacity {
  take(slot: Slot, asking: SlotRequest): boolean
  /**
   * Waits briefly for a slot, so that a plan and the lease on its first task are one commit instead of two. The
   * returned function releases the reservation, whether the slot is used or not.
   */
  room(slot: Slot, asking: SlotRequest): Promise<() => void>
  release(slot: Slot): void
  /** The slots that live workers announce, and those that other replicas have handed out. */
  announce(capability: Capability, slots: number, elsewhere: number): void
  /** How many executions of a tenant wait for a slot. */
  waitingOf(tenant: string): number
}

/**
 * @param wake resumes a waiting execution; a slot is reserved for it until the promise resolves
 * @param orderOf which executions of a tenant come first
 */
export function capacityOf(wake: (id: ExecutionId) => Promise<unknown>, orderOf?: OrderOf): Capacity {
  const pools = new Map<Capability, Pool>()
  const poolOf = (capability: Capability): Pool => {
    const pool = pools.get(capability)
    if (pool) return pool
    const made: Pool = {
      ...{ slots: 0, elsewhere: 0 },
      taken: { read: 0, short: 0, long: 0 },
      keptFor: new Map(),
      waiting: { read: fairQueue(orderOf), short: fairQueue(orderOf), long: fairQueue(orderOf) },
      inTurn: [...PACES],
    }
    pools.set(capability, made)
    return made
  }
  const wakeNext = (pool: Pool): void => {
    for (;;) {
      const next = nextOf(pool)
      if (!next) return
      const { id, pace, goOn } = next
      // Otherwise the next caller would take it, and this one would wait again.
      count(pool, pace, 1)
      pool.keptFor.set(id, pace)
      void goOn().finally(() => {
        if (!pool.keptFor.delete(id)) return
        count(pool, pace, -1)
        wakeNext(pool)
      })
    }
  }
  return {
    take({ capability, pace }, asking) {
      const pool = poolOf(capability)
      const { id } = asking
      const kept = pool.keptFor.get(id)
      if (kept !== undefined) {
        pool.keptFor.delete(id)
        count(pool, kept, -1)
      }
      if (kept === pace || hasRoom(pool, pace)) {
        count(pool, pace, 1)
        return true
      }
      pool.waiting[pace].add(asking, { id, pace, goOn: () => wake(id) })
      return false
    },
    room({ capability, pace }, asking) {
      const pool = poolOf(capability)
      const { id } = asking
      if (hasRoom(pool, pace)) return Promise.resolve(() => undefined)
      return new Promise((resolve) => {
        const late = setTimeout(() => {
          pool.waiting[pace].remove(id)
          resolve(() => undefined)
        }, ROOM_MS_MAX)
        const goOn = (): Promise<void> => {
          clearTimeout(late)
          return new Promise<void>((done) => resolve(done))
        }
        pool.waiting[pace].add(asking, { id, pace, goOn })
      })
    },
    release({ capability, pace }) {
      const pool = poolOf(capability)
      count(pool, pace, -1)
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
      for (const pool of pools.values()) for (const pace of PACES) waiting += pool.waiting[pace].waitingOf(tenant)
      return waiting
    },
  }
}

interface Pool {
  slots: number
  elsewhere: number
  /** Slots that this replica has handed out. */
  taken: Record<Pace, number>
  /** Resumed executions, each with a reserved slot. */
  keptFor: Map<ExecutionId, Pace>
  waiting: Record<Pace, FairQueue<Wakeable>>
  /** Whose turn comes first if several wait: none starves another. */
  inTurn: Pace[]
}

interface Wakeable {
  id: ExecutionId
  pace: Pace
  goOn: () => Promise<unknown>
}

const PACES = ['read', 'short', 'long'] as const satisfies readonly Pace[]

function count(pool: Pool, pace: Pace, change: number): void {
  pool.taken[pace] = Math.max(0, pool.taken[pace] + change)
}

/** Tasks beyond the slots of their own take common ones. */
const hasCommonRoom = ({ taken, elsewhere, slots }: Pool): boolean =>
  PACES.reduce((sum, pace) => sum + Math.max(0, taken[pace] - OWN_SLOTS[pace]), elsewhere) < slots

const hasRoom = (pool: Pool, pace: Pace): boolean =>
  hasCommonRoom(pool) || (pool.slots > 0 && pool.taken[pace] < OWN_SLOTS[pace])

function nextOf(pool: Pool): Wakeable | undefined {
  for (const pace of pool.inTurn) {
    const next = hasRoom(pool, pace) ? pool.waiting[pace].next() : undefined
    if (!next) continue
    pool.inTurn = [...pool.inTurn.filter((other) => other !== pace), pace]
    return next
  }
  return undefined
}

const PRIORITY = { high: 2, normal: 5, low: 8 } as const

export const priorityOf = (level: ExecutionRequest['priority']): number => PRIORITY[level]

export const slotRequestOf = (execution: ExecutionRow): SlotRequest => ({
  id: execution.execution_id,
  tenant: execution.tenant,
  priority: priorityOf(execution.request.priority),
})
