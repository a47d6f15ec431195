/**
 * The capacity of the workers, and the executions that wait for a slot.
 *
 * Queued work is stored in PostgreSQL. This is one replica's view of it: slots that workers have announced, minus the
 * slots handed out, and the executions that found none, in order.
 */
import type { ExecutionRequest } from '@deed/proto/execution'
import type { ExecutionId } from '@deed/proto/ids'
import type { Capability } from '@deed/proto/states'
import { READING_SLOTS } from '@deed/proto/task'
import type { ExecutionRow } from '../execution/snapshot.ts'
import { type FairQueue, fairQueue } from './fair-queue.ts'

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
  /** Whether it only reads and is short: such tasks have `READING_SLOTS` additional slots. */
  reads: boolean
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

/** @param wake resumes a waiting execution; a slot is reserved for it until the promise resolves */
export function capacityOf(wake: (id: ExecutionId) => Promise<unknown>): Capacity {
  const pools = new Map<Capability, Pool>()
  const poolOf = (capability: Capability): Pool => {
    const pool = pools.get(capability)
    if (pool) return pool
    const made: Pool = {
      ...{ slots: 0, elsewhere: 0, reading: 0, others: 0, readsNext: true },
      keptFor: new Map(),
      reads: fairQueue(),
      waiting: fairQueue(),
    }
    pools.set(capability, made)
    return made
  }
  const wakeNext = (pool: Pool): void => {
    for (;;) {
      const next = nextOf(pool)
      if (!next) return
      const { id, reads, goOn } = next
      // Otherwise the next caller would take it, and this one would wait again.
      count(pool, reads, 1)
      pool.keptFor.set(id, reads)
      void goOn().finally(() => {
        if (!pool.keptFor.delete(id)) return
        count(pool, reads, -1)
        wakeNext(pool)
      })
    }
  }
  return {
    take({ capability, reads }, asking) {
      const pool = poolOf(capability)
      const { id } = asking
      const kept = pool.keptFor.get(id)
      if (kept !== undefined) {
        pool.keptFor.delete(id)
        count(pool, kept, -1)
      }
      if (kept === reads || hasRoom(pool, reads)) {
        count(pool, reads, 1)
        return true
      }
      queueOf(pool, reads).add(asking, { id, reads, goOn: () => wake(id) })
      return false
    },
    room({ capability, reads }, asking) {
      const pool = poolOf(capability)
      const { id } = asking
      if (hasRoom(pool, reads)) return Promise.resolve(() => undefined)
      return new Promise((resolve) => {
        const late = setTimeout(() => {
          queueOf(pool, reads).remove(id)
          resolve(() => undefined)
        }, ROOM_MS_MAX)
        const goOn = (): Promise<void> => {
          clearTimeout(late)
          return new Promise<void>((done) => resolve(done))
        }
        queueOf(pool, reads).add(asking, { id, reads, goOn })
      })
    },
    release({ capability, reads }) {
      const pool = poolOf(capability)
      count(pool, reads, -1)
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
      for (const pool of pools.values()) waiting += pool.waiting.waitingOf(tenant) + pool.reads.waitingOf(tenant)
      return waiting
    },
  }
}

interface Pool {
  slots: number
  elsewhere: number
  /** Slots that this replica has handed out for reads, and for other tasks. */
  reading: number
  others: number
  /** Whose turn it is if both wait: neither starves the other. */
  readsNext: boolean
  /** Resumed executions, each with a reserved slot, for a read or not. */
  keptFor: Map<ExecutionId, boolean>
  reads: FairQueue<Wakeable>
  waiting: FairQueue<Wakeable>
}

interface Wakeable {
  id: ExecutionId
  reads: boolean
  goOn: () => Promise<unknown>
}

const queueOf = (pool: Pool, reads: boolean) => (reads ? pool.reads : pool.waiting)

function count(pool: Pool, reads: boolean, change: number): void {
  const key = reads ? 'reading' : 'others'
  pool[key] = Math.max(0, pool[key] + change)
}

/** Reads beyond their own slots take common ones. */
const hasCommonRoom = ({ reading, others, elsewhere, slots }: Pool): boolean =>
  others + Math.max(0, reading - READING_SLOTS) + elsewhere < slots

const hasRoom = (pool: Pool, reads: boolean): boolean =>
  hasCommonRoom(pool) || (reads && pool.slots > 0 && pool.reading < READING_SLOTS)

function nextOf(pool: Pool): Wakeable | undefined {
  if (hasCommonRoom(pool)) {
    pool.readsNext = !pool.readsNext
    const [first, second] = pool.readsNext ? [pool.reads, pool.waiting] : [pool.waiting, pool.reads]
    return first.next() ?? second.next()
  }
  return hasRoom(pool, true) ? pool.reads.next() : undefined
}

const PRIORITY = { high: 2, normal: 5, low: 8 } as const

export const priorityOf = (level: ExecutionRequest['priority']): number => PRIORITY[level]

export const slotRequestOf = (execution: ExecutionRow): SlotRequest => ({
  id: execution.execution_id,
  tenant: execution.tenant,
  priority: priorityOf(execution.request.priority),
})
