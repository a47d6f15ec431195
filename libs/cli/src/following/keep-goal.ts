/** Putting a goal and staying with it until it holds: its first execution is followed and approved like any other. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Bus } from '@deed/mesh/bus'
import { type GoalView, listGoals, putGoal } from '@deed/proto/goal'
import type { z } from 'zod'
import { type DecideOptions, decide } from './ask-to-decide.ts'
import { followExecution } from './follow-execution.ts'

const CHECK_AGAIN_MS = 200

/**
 * @returns the goal when its first execution has ended, or the time-out has passed
 * @throws {DeedError} when it is refused
 */
export async function keepGoal(
  bus: Bus,
  wanted: z.input<typeof putGoal.input>,
  { timeoutMs, ...asking }: DecideOptions & { timeoutMs: number },
): Promise<GoalView> {
  const late = AbortSignal.timeout(timeoutMs)
  let goal = await bus.call(putGoal, wanted)
  const { name, goal_id: id, execution_id: execution } = goal
  if (goal.status === 'active' && !goal.paused) return observedAgain(bus, goal, asking, late)
  if (goal.status !== 'establishing' || execution === null) return goal
  await followExecution(
    bus,
    { execution_id: execution },
    { onApproval: (approval, decided) => decide(asking, bus, approval, decided) },
    late,
  )
  // Its end is noted by the next check.
  while (goal.status === 'establishing' && !late.aborted) {
    await wait(CHECK_AGAIN_MS)
    const [now] = (await bus.call(listGoals, { name })).goals
    if (now?.goal_id !== id) break
    goal = now
  }
  return goal
}

/** Whether what it is to keep was so when it was observed last. */
export const goalHolds = ({ status, paused, last_outcome: outcome }: GoalView): boolean =>
  status === 'active' && (paused || outcome === 'holds')

/** The same goal was there already: it is observed again now, and restored if it does not hold. */
async function observedAgain(bus: Bus, put: GoalView, asking: DecideOptions, late: AbortSignal): Promise<GoalView> {
  let goal = put
  let followed = put.execution_id
  while (!late.aborted && goal.status === 'active' && !goal.paused) {
    if (goal.last_check_at !== put.last_check_at && goal.last_outcome !== 'drifted') break
    if (goal.execution_id !== null && goal.execution_id !== followed) {
      followed = goal.execution_id
      await followExecution(
        bus,
        { execution_id: followed },
        { onApproval: (approval, decided) => decide(asking, bus, approval, decided) },
        late,
      )
    }
    await wait(CHECK_AGAIN_MS)
    const [now] = (await bus.call(listGoals, { name: put.name })).goals
    if (now?.goal_id !== put.goal_id) break
    goal = now
  }
  return goal
}
