import type { Handler } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import type { ExecutionId, Principal, TaskId } from '@deed/proto/ids'
import type { rollbackExecution as contract } from '@deed/proto/steering'
import { findAction } from '../planning/plan-rollback.ts'
import { type RollingBack, rollBack } from '../planning/roll-back.ts'
import { findExecution, findLastChange } from '../store/executions.ts'
import { joinExecution } from './join-execution.ts'

export function rollbackExecution(rollingBack: RollingBack): Handler<typeof contract> {
  const { db, bus, driver } = rollingBack
  const find = async (
    principal: Principal,
    { execution_id: executionId, action_id: actionId, last }: Parameters<Handler<typeof contract>>[0],
  ): Promise<{ executionId: ExecutionId; taskId?: TaskId }> => {
    if ([executionId, actionId, last].filter((given) => given !== undefined).length !== 1) {
      throw new DeedError('invalid_request', 'give exactly one of execution_id, action_id and last', { path: '$' })
    }
    if (actionId !== undefined) return findAction(db, bus, principal, actionId)
    if (last === undefined) return { executionId: await findExecution(db, principal, { executionId }) }
    const changed = await findLastChange(db, principal)
    if (!changed) throw new DeedError('not_found', 'none of your requests has left a change to undo')
    return { executionId: changed }
  }
  return async (input, { principal, served }) => {
    const { with_dependents: withDependents, dry_run: dryRun, pause_goals: pauseGoals, reason } = input
    const { executionId, taskId } = await find(principal, input)
    const snapshot = await driver.read(executionId)
    // A running undo is not checked again.
    if (snapshot.execution.status === 'undoing' && !dryRun && taskId === undefined) {
      return { execution_id: executionId, status: snapshot.execution.status, steps: [], level: 0, approval_id: null }
    }
    const { status, steps, level, approvalId } = await rollBack(rollingBack, principal, snapshot, {
      taskId,
      withDependents,
      dryRun,
      reason: reason ?? null,
      pauseGoals,
    })
    if (!dryRun) await joinExecution(served, driver, executionId)
    return { execution_id: executionId, status, steps, level, approval_id: approvalId }
  }
}
