/**
 * Orders planning. An execution with a waiting caller is planned at once; the others a few at a time, so that ten
 * thousand of them do not starve one caller of services, database and process.
 */
import type { ExecutionId } from '@deed/proto/ids'
import type { SlotRequest } from '../dispatch/capacity.ts'
import { fairQueue, type OrderOf } from '../dispatch/fair-queue.ts'

/** The maximum number of concurrent plans without a waiting caller. */
const BEHIND_MAX = 16

export interface PlanningLane {
  /** Runs `plan` now. */
  ahead<T>(id: ExecutionId, plan: () => Promise<T>): Promise<T>
  /** Runs `plan` in its turn: by priority, each tenant in turn. */
  behind<T>(asking: SlotRequest, plan: () => Promise<T>): Promise<T>
  /** Whether the execution is being planned here, or is queued. */
  has(id: ExecutionId): boolean
  /** How many executions of a tenant are queued. */
  waitingOf(tenant: string): number
}

export function planningLane(orderOf?: OrderOf): PlanningLane {
  const waiting = fairQueue<() => void>(orderOf)
  const underWay = new Set<ExecutionId>()
  let running = 0
  const noted = <T>(id: ExecutionId, plan: () => Promise<T>): Promise<T> => {
    underWay.add(id)
    return plan().finally(() => underWay.delete(id))
  }
  return {
    ahead: noted,
    behind: (asking, plan) =>
      noted(asking.id, async () => {
        if (running < BEHIND_MAX) running++
        // A finished plan passes its place on.
        else await new Promise<void>((resolve) => waiting.add(asking, resolve))
        try {
          return await plan()
        } finally {
          const next = waiting.next()
          if (next) next()
          else running--
        }
      }),
    has: (id) => underWay.has(id),
    waitingOf: waiting.waitingOf,
  }
}
