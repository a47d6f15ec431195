/**
 * Orders planning. An execution with a waiting caller is planned at once; the others a few at a time, so that ten
 * thousand of them do not starve one caller of services, database and process.
 */
import type { ExecutionId } from '@deed/proto/ids'
import type { SlotRequest } from '../dispatch/capacity.ts'
import { fairQueue, type OrderOf } from '../dispatch/fair-queue.ts'

/** The maximum number of concurrent plans without a waiting caller. A plan mostly waits: fewer leave cores idle. */
const BEHIND_MAX = 64
/** The same while somebody waits for an answer, or did a moment ago. */
const BESIDE_CALLERS_MAX = 16
const CALLERS_MS = 1_000

export interface PlanningLane {
  /** Somebody waits for an answer. */
  called(): void
  /** Runs `plan` now. */
  ahead<T>(id: ExecutionId, plan: () => Promise<T>): Promise<T>
  /** Runs `plan` in its turn: by priority, each tenant in turn. */
  behind<T>(asking: SlotRequest, plan: () => Promise<T>): Promise<T>
  /** Whether the execution is being planned here, or is queued. */
  has(id: ExecutionId): boolean
  /** How many executions of a tenant are queued. */
  waitingOf(tenant: string): number
}

/**
 * @param orderOf which of a tenant come first
 * @param now a monotonic clock, in milliseconds
 */
export function planningLane(orderOf?: OrderOf, now: () => number = () => performance.now()): PlanningLane {
  const waiting = fairQueue<() => void>(orderOf)
  const underWay = new Set<ExecutionId>()
  let running = 0
  let calledAt = Number.NEGATIVE_INFINITY
  const hasPlace = (): boolean => running < (now() - calledAt < CALLERS_MS ? BESIDE_CALLERS_MAX : BEHIND_MAX)
  const fill = (): void => {
    while (hasPlace()) {
      const next = waiting.next()
      if (!next) return
      running++
      next()
    }
  }
  const noted = <T>(id: ExecutionId, plan: () => Promise<T>): Promise<T> => {
    underWay.add(id)
    return plan().finally(() => underWay.delete(id))
  }
  return {
    called() {
      calledAt = now()
    },
    ahead: noted,
    behind: (asking, plan) =>
      noted(asking.id, async () => {
        const turn = new Promise<void>((resolve) => waiting.add(asking, resolve))
        fill()
        await turn
        try {
          return await plan()
        } finally {
          running--
          fill()
        }
      }),
    has: (id) => underWay.has(id),
    waitingOf: waiting.waitingOf,
  }
}
