import type { Handler } from '@deed/mesh/bus'
import type { cancelExecution as contract } from '@deed/proto/steering'
import { type Cancelling, refuseWhatGoalsKeep } from '../goals/undo-against-goals.ts'
import { findExecution } from '../store/executions.ts'
import { joinExecution } from './join-execution.ts'

export function cancelExecution(cancelling: Cancelling): Handler<typeof contract> {
  const { db, driver } = cancelling
  return async ({ execution_id: executionId, reason, undo, pause_goals: pauseGoals }, { principal, served }) => {
    const id = await findExecution(db, principal, { executionId })
    if (undo) await refuseWhatGoalsKeep(cancelling, principal, id, pauseGoals)
    const { execution } = await driver.apply(id, {
      type: 'cancelled',
      reason: reason ?? null,
      undo,
      by: principal.user,
    })
    await joinExecution(served, driver, id)
    return { execution_id: id, status: execution.status }
  }
}
