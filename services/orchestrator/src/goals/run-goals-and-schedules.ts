/**
 * Runs goals and schedules when they are due. The resync's own query finds due ones; a row that this replica has just
 * moved wakes this directly, on time.
 */

import { moveOn } from '../schedules/move-on.ts'
import { claimGoals } from '../store/goals.ts'
import { claimSchedules } from '../store/schedules.ts'
import { type CheckDependencies, checkGoal } from './check-goal.ts'

/** The maximum number of concurrent checks. */
const SLOTS = 32
/** A timer may fire early, and the clock is an estimate. */
const MARGIN_MS = 5

/** Disposing finishes the running checks. */
export interface GoalsAndSchedules extends AsyncDisposable {
  /** A goal or a schedule may be due. */
  wake(): void
}

export function runGoalsAndSchedules(looking: CheckDependencies): GoalsAndSchedules {
  const { db, log, clock } = looking
  const running = new Set<Promise<void>>()
  let claiming = false
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let wakeAt = Number.POSITIVE_INFINITY

  const wake = (): void => {
    if (claiming || stopped) return
    claiming = true
    run(
      claim().finally(() => {
        claiming = false
      }),
    )
  }

  const claim = async (): Promise<void> => {
    const free = SLOTS - running.size
    if (free <= 0) return
    const [goals, schedules] = await Promise.all([claimGoals(db, free), claimSchedules(db, free)])
    for (const goal of goals) run(checkGoal(looking, goal).then(wakeAgain))
    for (const schedule of schedules) run(moveOn(looking, schedule).then(wakeAgain))
  }

  const run = (work: Promise<void>): void => {
    const ended = work
      .catch((error: unknown) => log.warn({ err: error }, 'checking goals and schedules failed; it will be retried'))
      .finally(() => running.delete(ended))
    running.add(ended)
  }

  const wakeAgain = (at: number | undefined): void => {
    if (at === undefined || at >= wakeAt || stopped) return
    clearTimeout(timer)
    wakeAt = at
    const waitMs = Math.min(Math.max(0, at - clock.now()) + MARGIN_MS, 2 ** 31 - 1)
    timer = setTimeout(() => {
      wakeAt = Number.POSITIVE_INFINITY
      wake()
    }, waitMs)
  }

  return {
    wake,
    async [Symbol.asyncDispose]() {
      stopped = true
      clearTimeout(timer)
      while (running.size > 0) await Promise.all(running)
    },
  }
}
