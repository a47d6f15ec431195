import type { Handler } from '@deed/mesh/bus'
import type { listTasks as contract } from '@deed/proto/task'
import { viewOf } from '../answers/task-view.ts'
import { withinMessage } from '../answers/within-message.ts'
import type { TaskRow } from '../execution/snapshot.ts'
import type { Database } from '../store/schema.ts'

/** The size of one answer: the rest follows with the next cursor. */
const BYTES_MAX = 600_000

export function listTasks({ db }: { db: Database }): Handler<typeof contract> {
  return async ({ execution_id: execution, status, open, limit, cursor }, { principal }) => {
    const rows = await db.query<{ task: TaskRow }>(
      'orchestrator.list_tasks',
      `select to_jsonb(d) || to_jsonb(a) as task from desired_state d join actual_state a using (task_id)
         left join desired_state c on c.task_id = $6 and c.tenant = $1
        where d.tenant = $1 and ($2::uuid is null or d.execution_id = $2) and ($3::text is null or a.actual_status = $3)
          and (not $5 or a.actual_status in ('pending', 'in_progress', 'blocked'))
          and ($6::uuid is null or d.execution_id < c.execution_id
               or (d.execution_id = c.execution_id and (d.position, d.task_id) > (c.position, c.task_id)))
        order by d.execution_id desc, d.position, d.task_id limit $4`,
      // One more than requested, to know whether there are more.
      [principal.tenant, execution ?? null, status ?? null, limit + 1, open, cursor ?? null],
    )
    const tasks = withinMessage(
      rows.slice(0, limit).map(({ task }) => viewOf(task)),
      BYTES_MAX,
    )
    return { tasks, next_cursor: tasks.length < rows.length ? (tasks.at(-1)?.task_id ?? null) : null }
  }
}
