import type { Handler } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import type { getExecution as contract, ExecutionRequest } from '@deed/proto/execution'
import type { TaskId } from '@deed/proto/ids'
import type { JsonObject } from '@deed/proto/json'
import type { TaskView } from '@deed/proto/task'
import { replyOf } from '../answers/answer.ts'
import { viewOf } from '../answers/task-view.ts'
import { withinMessage } from '../answers/within-message.ts'
import type { Driver } from '../dispatch/drive.ts'
import type { TaskRow } from '../execution/snapshot.ts'
import { readTimeline } from '../store/audit-log.ts'
import type { Clock } from '../store/clock.ts'
import { findExecution } from '../store/executions.ts'
import type { Database } from '../store/schema.ts'

/** As many as fit in one message. */
const TASKS_SHOWN = 300
const TASKS_BYTES_MAX = 350_000
const TIMELINE_SHOWN = 500
const TIMELINE_BYTES_MAX = 250_000

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
    const [snapshot, rows] = await Promise.all([driver.read(id), readTimeline(db, id, { limit: TIMELINE_SHOWN })])
    const { execution, tasks } = snapshot
    const shown = shownOf(tasks)
    const timeline = withinMessage(rows, TIMELINE_BYTES_MAX)
    const omitted = { tasks: tasks.size - shown.length, timeline: execution.audit_seq - timeline.length }
    return {
      ...replyOf(snapshot, clock.now()),
      request: briefly(execution.request),
      tenant: execution.tenant,
      user: execution.user_name,
      created_at: execution.created_at,
      finished_at: execution.finished_at,
      tasks: shown,
      timeline,
      ...(omitted.tasks > 0 || omitted.timeline > 0 ? { omitted } : {}),
    }
  }
}

/** In plan order; if there are too many, unfinished tasks come before finished ones. */
function shownOf(tasks: ReadonlyMap<TaskId, TaskRow>): TaskView[] {
  const all = [...tasks.values()]
  const isOver = ({ actual_status: status }: TaskRow): boolean => status === 'done' || status === 'pending'
  const first = all.length <= TASKS_SHOWN ? all : [...all.filter((task) => !isOver(task)), ...all.filter(isOver)]
  const views = withinMessage(first.slice(0, TASKS_SHOWN).map(viewOf), TASKS_BYTES_MAX)
  const viewed = new Map(views.map((view) => [view.task_id, view]))
  return all.flatMap(({ task_id: id }) => viewed.get(id) ?? [])
}

function briefly(request: ExecutionRequest): JsonObject {
  const { manifest, ...rest } = request
  if (!manifest || manifest.tasks.length <= TASKS_SHOWN) return request as JsonObject
  return { ...rest, manifest: { name: manifest.name, tasks: manifest.tasks.length } } as JsonObject
}
