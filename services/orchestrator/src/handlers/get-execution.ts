import type { Handler } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import type { getExecution as contract } from '@deed/proto/execution'
import type { JsonObject } from '@deed/proto/json'
import { replyOf } from '../answer.ts'
import type { Clock } from '../clock.ts'
import type { Driver } from '../drive.ts'
import { readTimeline } from '../store/audit-log.ts'
import { findExecution } from '../store/executions.ts'
import type { Database } from '../store/schema.ts'
import { viewOf } from '../task-view.ts'

export function getExecution({
  db,
  driver,
  clock,
}: {
  db: Database
  driver: Driver
  clock: Clock
}): Handler<typeof contract> {
  return async ({ execution_id: executionId, idempotency_key: key, sequence }, { principal }) => {
    const given = [executionId, key, sequence].filter((value) => value !== undefined)
    if (given.length !== 1) {
      throw new DeedError('invalid_request', 'give exactly one of execution_id, idempotency_key and sequence', {
        path: '$',
      })
    }
    const id = await findExecution(db, principal, { executionId, key, sequence })
    const [snapshot, timeline] = await Promise.all([driver.read(id), readTimeline(db, id)])
    const { execution, tasks } = snapshot
    return {
      ...replyOf(snapshot, clock.now()),
      request: execution.request as JsonObject,
      tenant: execution.tenant,
      user: execution.user_name,
      created_at: execution.created_at,
      finished_at: execution.finished_at,
      tasks: [...tasks.values()].map(viewOf),
      timeline,
    }
  }
}
