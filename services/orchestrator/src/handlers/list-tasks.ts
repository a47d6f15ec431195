import type { Handler } from '@deed/mesh/bus'
import type { listTasks as contract } from '@deed/proto/task'
import type { TaskRow } from '../snapshot.ts'
import type { Database } from '../store/schema.ts'
import { viewOf } from '../task-view.ts'

export function listTasks({ db }: { db: Database }): Handler<typeof contract> {
  return async ({ execution_id: execution, status, open, limit }, { principal }) => {
    const rows = await db.query<{ task: TaskRow }>(
      'orchestrator.list_tasks',
      `select to_jsonb(d) || to_jsonb(a) as task from desired_state d join actual_state a using (task_id)
        where d.tenant = $1 and ($2::uuid is null or d.execution_id = $2) and ($3::text is null or a.actual_status = $3)
          and (not $5 or a.actual_status in ('pending', 'in_progress', 'blocked'))
        order by d.execution_id desc, d.position limit $4`,
      [principal.tenant, execution ?? null, status ?? null, limit, open],
    )
    return { tasks: rows.map(({ task }) => viewOf(task)) }
  }
}
