/** A rollback that somebody asks for: begun at once, or once it is agreed to. Every way to ask leads through here. */
import type { Bus } from '@deed/mesh/bus'
import type { ApprovalId, Principal, TaskId } from '@deed/proto/ids'
import type { ExecutionStatus } from '@deed/proto/states'
import type { Driver } from '../drive.ts'
import { openUndo } from '../reconcile/undo-asked.ts'
import type { Snapshot } from '../snapshot.ts'
import { askUndo } from './ask-undo.ts'
import { planRollback, type RollbackPlan, refuseWhatCannot } from './plan-rollback.ts'
import type { Planning } from './plan-work.ts'

export interface RollingBack {
  bus: Bus
  driver: Driver
  planning: Planning
}

interface Wish {
  /** The action that is undone by itself; undefined: all of it. */
  taskId?: TaskId | undefined
  withDependents?: boolean
  dryRun: boolean
  reason: string | null
}

/**
 * @returns how the execution stands then; with an approval, nothing is undone before that is given
 * @throws {DeedError} `already_rolled_back`, `not_undoable`, and unless it is a dry run `irreversible`, `undo_conflict`
 */
export async function rollBack(
  { bus, driver, planning }: RollingBack,
  principal: Principal,
  snapshot: Snapshot,
  { taskId, withDependents = false, dryRun, reason }: Wish,
): Promise<RollbackPlan & { status: ExecutionStatus; approvalId: ApprovalId | null }> {
  const { execution_id: id, status } = snapshot.execution
  const plan = await planRollback(bus, planning.policy, principal, snapshot, {
    taskId,
    withDependents,
    mayBeBlind: !dryRun,
  })
  if (dryRun) return { ...plan, status, approvalId: null }
  refuseWhatCannot(plan.steps)
  if (plan.level > 0) {
    const asked = await driver.apply(id, askUndo(planning, snapshot, plan, principal, reason))
    return { ...plan, status: asked.execution.status, approvalId: openUndo(asked)?.approval_id ?? null }
  }
  const { taskIds } = plan
  const { execution } = await driver.apply(id, {
    type: 'rolled_back',
    reason,
    by: principal.user,
    ...(taskIds === undefined ? {} : { taskIds }),
  })
  return { ...plan, status: execution.status, approvalId: null }
}
