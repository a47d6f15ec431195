/** Pauses a goal, or resumes it and checks it again. */
import type { Handler } from '@deed/mesh/bus'
import { Action } from '@deed/proto/action'
import type { pauseGoal, resumeGoal } from '@deed/proto/goal'
import type { Principal } from '@deed/proto/ids'
import type { CheckDependencies } from '../goals/check-goal.ts'
import { goalView } from '../goals/goal-view.ts'
import { refuseAgainstGoals, refuseAgainstSchedules } from '../planning/contradictions.ts'
import { outcomesOf } from '../planning/outcomes.ts'
import { readGoals, steerGoal as steer } from '../store/goals.ts'

export function steerGoal(
  looking: CheckDependencies,
  verb: 'pause' | 'resume',
): Handler<typeof pauseGoal | typeof resumeGoal> {
  const { db, clock } = looking
  return async ({ name }, { principal, log }) => {
    if (verb === 'resume') await refuseContradictions(looking, principal, name)
    const goal = await steer(db, principal, name, verb)
    log.info({ goal: name, status: goal.status, paused: goal.paused }, 'goal steered')
    return goalView(goal, clock.now())
  }
}

/** Goals that were put while this one was paused may contradict it. */
async function refuseContradictions(looking: CheckDependencies, principal: Principal, name: string): Promise<void> {
  const { workspaces } = looking.planning
  const goals = await readGoals(looking.db, principal, null)
  const goal = goals.find((one) => one.name === name)
  if (!goal || !(goal.paused || goal.status === 'blocked')) return
  const outcomes = outcomesOf(
    workspaces,
    goal.steps.map(({ action }) => Action.parse(action)),
  )
  const others = goals.filter((one) => one.name !== name)
  refuseAgainstGoals(workspaces, others, `the goal ${name}`, outcomes)
  await refuseAgainstSchedules(looking, principal, goal)
}
