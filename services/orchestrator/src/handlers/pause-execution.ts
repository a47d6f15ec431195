import type { Handler } from '@deed/mesh/bus'
import type { pauseExecution as contract } from '@deed/proto/steering'
import type { Driver } from '../dispatch/drive.ts'
import { findExecution } from '../store/executions.ts'
import type { Database } from '../store/schema.ts'
import { joinExecution } from './join-execution.ts'

interface Dependencies {
  db: Database
  driver: Driver
}

/** Handles pause and resume, which differ only in the desired state. */
export function pauseOrResume({ db, driver }: Dependencies, wish: 'paused' | 'resumed'): Handler<typeof contract> {
  return async ({ execution_id: executionId, reason }, { principal, served }) => {
    const id = await findExecution(db, principal, { executionId })
    const { execution } = await driver.apply(id, { type: wish, reason: reason ?? null, by: principal.user })
    await joinExecution(served, driver, id)
    return { execution_id: id, status: execution.status }
  }
}
