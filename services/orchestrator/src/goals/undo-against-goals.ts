import type { ExecutionId, Principal } from '@deed/proto/ids'
import type { Driver } from '../dispatch/drive.ts'
import { isAct } from '../execution/snapshot.ts'
import { goalsKeeping, letGoalsRest } from '../planning/contradictions.ts'
import type { Planning } from '../planning/plan-work.ts'
import type { Database } from '../store/schema.ts'

export interface Cancelling {
  db: Database
  driver: Driver
  planning: Planning
}

/**
 * Refuses to undo what a goal keeps.
 *
 * @throws {DeedError} `goal_conflict`, unless such goals are to be paused
 */
export async function refuseWhatGoalsKeep(
  { db, driver, planning }: Cancelling,
  principal: Principal,
  id: ExecutionId,
  pauseGoals: boolean,
): Promise<void> {
  const { tasks } = await driver.read(id)
  const done = [...tasks.values()].flatMap((task) => (isAct(task) && task.effect !== 'none' ? [task.spec] : []))
  await letGoalsRest(db, principal, await goalsKeeping(db, planning.workspaces, principal, done), pauseGoals)
}
