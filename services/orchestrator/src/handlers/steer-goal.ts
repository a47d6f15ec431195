/** A person lets a goal rest, or has it looked at again. */
import type { Handler } from '@deed/mesh/bus'
import type { pauseGoal, resumeGoal } from '@deed/proto/goal'
import type { Clock } from '../clock.ts'
import { goalView } from '../goals/goal-view.ts'
import { steerGoal as steer } from '../store/goals.ts'
import type { Database } from '../store/schema.ts'

export function steerGoal(
  { db, clock }: { db: Database; clock: Clock },
  verb: 'pause' | 'resume',
): Handler<typeof pauseGoal | typeof resumeGoal> {
  return async ({ name }, { principal, log }) => {
    const goal = await steer(db, principal, name, verb)
    log.info({ goal: name, status: goal.status, paused: goal.paused }, 'goal steered')
    return goalView(goal, clock.now())
  }
}
