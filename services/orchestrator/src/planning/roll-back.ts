/** Requests a rollback: it begins at once, or once it is approved. Every way to roll back leads through here. */

import type { Bus } from '@deed/mesh/bus'
import type { Action } from '@deed/proto/action'
import type { ApprovalId, Principal, TaskId } from '@deed/proto/ids'
import { defined } from '@deed/proto/json'
import type { ExecutionStatus } from '@deed/proto/states'
import type { UndoStep } from '@deed/proto/steering'
import type { Driver } from '../dispatch/drive.ts'
import { isAct, type Snapshot } from '../execution/snapshot.ts'
import { openUndo } from '../reconcile/undo-requested.ts'
import type { Database } from '../store/schema.ts'
import { askUndo } from './ask-undo.ts'
import { goalsKeeping, keptSentence, letGoalsRest } from './contradictions.ts'
import { planRollback, type RollbackPlan, refuseWhatCannot } from './plan-rollback.ts'
import type { Planning } from './plan-work.ts'

export interface RollingBack {
  bus: Bus
  db: Database
  driver: Driver
  planning: Planning
}

interface Wish {
  /** The single action to undo; undefined: all of them. */
  taskId?: TaskId | undefined
  withDependents?: boolean
  dryRun: boolean
  reason: string | null
  /** Pause the goals that keep what is undone; otherwise such goals prevent it. */
  pauseGoals?: boolean
}

/**
 * @returns the resulting state of the execution; with an approval, nothing is undone before it is given
 * @throws {DeedError} `already_rolled_back`, `not_undoable`, and unless it is a dry run `irreversible`, `undo_conflict`
 */
export async function rollBack(
  { db, bus, driver, planning }: RollingBack,
  principal: Principal,
  snapshot: Snapshot,
  { taskId, withDependents = false, dryRun, reason, pauseGoals = false }: Wish,
): Promise<RollbackPlan & { status: ExecutionStatus; approvalId: ApprovalId | null }> {
  const { execution_id: id, status } = snapshot.execution
  const plan = await planRollback(bus, planning.policy, principal, snapshot, {
    taskId,
    withDependents,
    mayBeBlind: !dryRun,
  })
  const kept = await goalsKeeping(db, planning.workspaces, principal, actionsOf(snapshot, plan.steps))
  if (dryRun) return { ...plan, steps: pauseGoals ? plan.steps : withGoals(plan.steps, kept), status, approvalId: null }
  refuseWhatCannot(plan.steps)
  await letGoalsRest(db, principal, kept, pauseGoals)
  if (plan.level > 0) {
    const asked = await driver.apply(id, askUndo(planning, snapshot, plan, principal, reason))
    return { ...plan, status: asked.execution.status, approvalId: openUndo(asked)?.approval_id ?? null }
  }
  const { taskIds } = plan
  const { execution } = await driver.apply(id, {
    type: 'rolled_back',
    reason,
    by: principal.user,
    ...defined({ taskIds }),
  })
  return { ...plan, status: execution.status, approvalId: null }
}

const actionsOf = ({ tasks }: Snapshot, steps: readonly UndoStep[]): Action[] =>
  steps.flatMap(({ task_id, outlook }) => {
    const task = tasks.get(task_id)
    return outlook === 'undo' && task && isAct(task) ? [task.spec] : []
  })

/** Actions that ran together are undone together, so one goal prevents each step. */
const withGoals = (steps: UndoStep[], [goal]: readonly string[]): UndoStep[] =>
  goal === undefined
    ? steps
    : steps.map((step) => (step.outlook === 'undo' ? { ...step, outlook: 'cannot', why: keptSentence(goal) } : step))
