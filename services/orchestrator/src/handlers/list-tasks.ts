import type { Handler } from '@deed/mesh/bus'
import type { listTasks as contract } from '@deed/proto/task'
import { viewOf } from '../answers/task-view.ts'
import { withinMessage } from '../answers/within-message.ts'
import type { Database } from '../store/schema.ts'
import { readTasks } from '../store/task-list.ts'

/** The size of one answer: the rest follows with the next cursor. */
const BYTES_MAX = 600_000

export function listTasks({ db }: { db: Database }): Handler<typeof contract> {
  return async ({ execution_id: executionId, limit, ...by }, { principal }) => {
    // One more than requested, to know whether there are more.
    const rows = await readTasks(db, principal.tenant, { ...by, executionId, limit: limit + 1 })
    const tasks = withinMessage(rows.slice(0, limit).map(viewOf), BYTES_MAX)
    return { tasks, next_cursor: tasks.length < rows.length ? (tasks.at(-1)?.task_id ?? null) : null }
  }
}
