import type { Handler } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import type { getExecution as contract, ExecutionRequest } from '@deed/proto/execution'
import type { TaskId } from '@deed/proto/ids'
import type { JsonObject } from '@deed/proto/json'
import { replyOf } from '../answer.ts'
import type { Clock } from '../clock.ts'
import type { Driver } from '../drive.ts'
import type { TaskRow } from '../snapshot.ts'
import { readTimeline } from '../store/audit-log.ts'
import { findExecution } from '../store/executions.ts'
import type { Database } from '../store/schema.ts'
import { viewOf } from '../task-view.ts'

/** Together they fit into one message. */
const TASKS_SHOWN = 300
const TIMELINE_SHOWN = 500

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
      request: briefly(execution.request),
      tenant: execution.tenant,
      user: execution.user_name,
      created_at: execution.created_at,
      finished_at: execution.finished_at,
      tasks: shownOf(tasks).map(viewOf),
      timeline: timeline.slice(0, TIMELINE_SHOWN),
      ...(tasks.size > TASKS_SHOWN || timeline.length > TIMELINE_SHOWN
        ? {
            omitted: {
              tasks: Math.max(0, tasks.size - TASKS_SHOWN),
              timeline: Math.max(0, timeline.length - TIMELINE_SHOWN),
            },
          }
        : {}),
    }
  }
}

/** In the order of the plan; where there are too many, those that say how it stands before those that are done. */
function shownOf(tasks: ReadonlyMap<TaskId, TaskRow>): TaskRow[] {
  const all = [...tasks.values()]
  if (all.length <= TASKS_SHOWN) return all
  const isOver = ({ actual_status: status }: TaskRow): boolean => status === 'done' || status === 'pending'
  const shown = [...all.filter((task) => !isOver(task)), ...all.filter(isOver)].slice(0, TASKS_SHOWN)
  return shown.sort((one, other) => one.position - other.position)
}

function briefly(request: ExecutionRequest): JsonObject {
  const { manifest, ...rest } = request
  if (!manifest || manifest.tasks.length <= TASKS_SHOWN) return request as JsonObject
  return { ...rest, manifest: { name: manifest.name, tasks: manifest.tasks.length } } as JsonObject
}
