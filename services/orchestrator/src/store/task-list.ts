/** Pages of tasks, in time that does not depend on how many there are. */
import type { ExecutionId, TaskId } from '@deed/proto/ids'
import { TASK_STATUSES, type TaskStatus } from '@deed/proto/states'
import type { TaskRow } from '../execution/snapshot.ts'
import type { Database } from './schema.ts'

const OPEN: readonly TaskStatus[] = ['pending', 'in_progress', 'blocked']
/** How many executions are read at once, at least. */
const EXECUTIONS = 20
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff' as ExecutionId

interface TaskFilter {
  executionId?: ExecutionId | undefined
  status?: TaskStatus | undefined
  /** Only those that have not ended. */
  open: boolean
  limit: number
  /** The page continues after this one. */
  cursor?: TaskId | undefined
}

/** Newest executions first, each in plan order. */
export async function readTasks(db: Database, tenant: string, by: TaskFilter): Promise<TaskRow[]> {
  const { executionId, limit, cursor } = by
  const statuses = TASK_STATUSES.filter((one) => (by.status ?? one) === one && (!by.open || OPEN.includes(one)))
  const first = cursor === undefined ? undefined : await executionOf(db, tenant, cursor)
  if (cursor !== undefined && first === undefined) return []
  if (executionId !== undefined) return tasksOf(db, tenant, [executionId], { statuses, limit, cursor })
  const tasks = first === undefined ? [] : await tasksOf(db, tenant, [first], { statuses, limit, cursor })
  const many = Math.max(limit, EXECUTIONS)
  // Nearly every execution has tasks, and nearly all of them are done; the others are found by their status.
  const newest = statuses.includes('done') ? newestExecutions : newestWithTasks
  for (let before = first ?? LAST_ID; tasks.length < limit; ) {
    const ids = await newest(db, [tenant, before, many, statuses])
    tasks.push(...(await tasksOf(db, tenant, ids, { statuses, limit: limit - tasks.length, cursor: undefined })))
    const last = ids.at(-1)
    if (last === undefined) break
    before = last
  }
  return tasks
}

async function executionOf(db: Database, tenant: string, task: TaskId): Promise<ExecutionId | undefined> {
  const [row] = await db.query<{ execution_id: ExecutionId }>(
    'orchestrator.execution_of_task',
    'select execution_id from desired_state where tenant = $1 and task_id = $2',
    [tenant, task],
  )
  return row?.execution_id
}

async function tasksOf(
  db: Database,
  tenant: string,
  ids: readonly ExecutionId[],
  { statuses, limit, cursor }: { statuses: readonly TaskStatus[]; limit: number; cursor: TaskId | undefined },
): Promise<TaskRow[]> {
  const rows = await db.query<{ task: TaskRow }>(
    'orchestrator.tasks_of',
    `select to_jsonb(d) || to_jsonb(a) as task from unnest($2::uuid[]) with ordinality as e(execution_id, number)
      cross join lateral (select * from desired_state where execution_id = e.execution_id and tenant = $1 offset 0) d
      join actual_state a using (task_id) left join desired_state c on c.task_id = $5
      where a.actual_status = any($3) and ($5::uuid is null or (d.position, d.task_id) > (c.position, c.task_id))
      order by e.number, d.position, d.task_id limit $4`,
    [tenant, ids, statuses, limit, cursor ?? null],
  )
  return rows.map(({ task }) => task)
}

const idsOf = (rows: readonly { id: ExecutionId }[]): ExecutionId[] => rows.map(({ id }) => id)

const newestExecutions = async (db: Database, values: unknown[]): Promise<ExecutionId[]> =>
  idsOf(
    await db.query<{ id: ExecutionId }>(
      'orchestrator.newest_executions',
      `select id from (
         (select execution_id as id from executions where tenant = $1 and not followed_up and execution_id < $2
           order by execution_id desc limit $3)
         union all
         (select execution_id from ends where tenant = $1 and execution_id < $2 order by execution_id desc limit $3)) u
        where $4::text[] is not null order by id desc limit $3`,
      values,
    ),
  )

const newestWithTasks = async (db: Database, values: unknown[]): Promise<ExecutionId[]> =>
  idsOf(
    await db.query<{ id: ExecutionId }>(
      'orchestrator.newest_with_tasks',
      `select distinct x.execution_id as id from unnest($4::text[]) s(status) cross join lateral (
         select distinct execution_id from actual_state
          where actual_status = s.status and actual_status <> 'done' and tenant = $1 and execution_id < $2
          order by execution_id desc limit $3) x
        order by id desc limit $3`,
      values,
    ),
  )
