import type { Handler } from '@deed/mesh/bus'
import type { cancelExecution as contract } from '@deed/proto/execution'
import type { Driver } from '../drive.ts'
import { findExecution } from '../store/executions.ts'
import type { Database } from '../store/schema.ts'

export function cancelExecution({ db, driver }: { db: Database; driver: Driver }): Handler<typeof contract> {
  return async ({ execution_id: executionId, reason, undo }, { principal }) => {
    const id = await findExecution(db, principal, { executionId })
    const { execution } = await driver.apply(id, {
      type: 'cancelled',
      reason: reason ?? null,
      undo,
      by: principal.user,
    })
    return { execution_id: id, status: execution.status }
  }
}
