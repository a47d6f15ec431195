/**
 * Rate limits of targets: the executions that wait, and the reserved turn.
 *
 * Turns are reserved in PostgreSQL, at most one ahead, and only while an execution waits: nothing polls, and a dead
 * replica loses one turn. Waiting executions are stored in PostgreSQL, too; this is the order in which they are
 * resumed.
 */
import type { ExecutionId } from '@deed/proto/ids'
import type { Log } from '@deed/telemetry/logger'
import type { Rate } from '../store/rate-limits.ts'
import type { SlotRequest } from './capacity.ts'
import { type FairQueue, fairQueue, type OrderOf } from './fair-queue.ts'

/**
 * The maximum number of executions that are resumed for a turn that the previous one, such as a cancelled one, did not
 * use.
 */
const WOKEN_MAX = 16
const TRY_AGAIN_MS = 1_000

export interface TargetRates extends Disposable {
  /** Whether a task may begin on the target now; if not, the execution is resumed in its turn. */
  mayBegin(target: string, asking: SlotRequest): boolean
  /** A task began. */
  began(target: string): void
}

interface Dependencies {
  log: Log
  rateOf(target: string): Rate | undefined
  /** @returns the time until the turn may be used, in milliseconds */
  reserve(target: string, rate: Rate): Promise<number>
  wake(id: ExecutionId): Promise<unknown>
  orderOf?: OrderOf
}

interface Line {
  rate: Rate
  waiting: FairQueue<ExecutionId>
  turn: 'none' | 'reserving' | 'in hand'
  timer: NodeJS.Timeout | undefined
}

export function targetRates({ log, rateOf, reserve, wake, orderOf }: Dependencies): TargetRates {
  const lines = new Map<string, Line>()

  const lineOf = (target: string): Line | undefined => {
    const line = lines.get(target)
    if (line) return line
    const rate = rateOf(target)
    if (!rate) return undefined
    const made: Line = { rate, waiting: fairQueue(orderOf), turn: 'none', timer: undefined }
    lines.set(target, made)
    return made
  }

  const reserveNext = async (target: string, line: Line): Promise<void> => {
    if (line.turn !== 'none' || line.waiting.size === 0) return
    line.turn = 'reserving'
    try {
      const waitMs = await reserve(target, line.rate)
      line.timer = setTimeout(() => {
        line.turn = 'in hand'
        void giveTurn(target, line)
      }, waitMs)
    } catch (error) {
      log.warn({ err: error, target }, 'reserving a turn failed; it will be retried')
      line.timer = setTimeout(() => {
        line.turn = 'none'
        void reserveNext(target, line)
      }, TRY_AGAIN_MS)
    }
  }

  const giveTurn = async (target: string, line: Line): Promise<void> => {
    for (let woken = 0; woken < WOKEN_MAX && line.turn === 'in hand'; woken++) {
      const next = line.waiting.next()
      if (next === undefined) return
      await wake(next)
    }
    void reserveNext(target, line)
  }

  return {
    mayBegin(target, asking) {
      const line = lineOf(target)
      if (!line || line.turn === 'in hand') return true
      line.waiting.add(asking, asking.id)
      void reserveNext(target, line)
      return false
    },
    began(target) {
      const line = lines.get(target)
      if (line?.turn !== 'in hand') return
      line.turn = 'none'
      void reserveNext(target, line)
    },
    [Symbol.dispose]() {
      for (const line of lines.values()) {
        clearTimeout(line.timer)
        // Stops further reservations.
        line.turn = 'reserving'
      }
    },
  }
}
