import type { Handler } from '@deed/mesh/bus'
import type { retryExecution as contract } from '@deed/proto/steering'
import { type Retrying, retryExecution as retry } from '../planning/agree-again.ts'
import { findExecution } from '../store/executions.ts'
import type { Database } from '../store/schema.ts'
import { joinExecution } from './join-execution.ts'

export function retryExecution(retrying: Retrying & { db: Database }): Handler<typeof contract> {
  return async ({ execution_id: executionId, reason }, { principal, served }) => {
    const id = await findExecution(retrying.db, principal, { executionId })
    const { execution } = await retry(retrying, id, principal, reason ?? null)
    await joinExecution(served, retrying.driver, id)
    return { execution_id: id, status: execution.status }
  }
}
