import type { Handler } from '@deed/mesh/bus'
import type { watchExecution as contract } from '@deed/proto/execution'
import type { ExecutionId, Principal } from '@deed/proto/ids'
import type { ExecutionStatus } from '@deed/proto/states'
import { withinMessage } from '../answers/within-message.ts'
import { readTimeline } from '../store/audit-log.ts'
import { findExecution } from '../store/executions.ts'
import type { Database } from '../store/schema.ts'

const EXECUTIONS_MAX = 500
const EVENTS_MAX = 1_000
const EVENTS_BYTES_MAX = 600_000

export function watchExecution({ db }: { db: Database }): Handler<typeof contract> {
  return async ({ execution_id: executionId, after, since }, { principal }) => {
    if (executionId === undefined) return { executions: await readStatuses(db, principal, { since }), events: [] }
    const id = await findExecution(db, principal, { executionId })
    // Rows after the number: a row that is written in between is in neither, or in both.
    const executions = await readStatuses(db, principal, { id })
    const rows = await readTimeline(db, id, { after, limit: EVENTS_MAX })
    return { executions, events: withinMessage(rows, EVENTS_BYTES_MAX) }
  }
}

interface Row {
  execution_id: ExecutionId
  status: ExecutionStatus
  task: string
  audit_seq: number
  task_verified: boolean
  tasks: number
  ended: number
  current: string | null
}

const ONE = 'select $2::uuid as execution_id where $3::timestamptz is null'
/** The newest of those that have not ended, and the latest of those that have ended since. */
const CHANGED = `
(select execution_id from executions where tenant = $1 and $2::uuid is null and not followed_up
  order by execution_id desc limit ${EXECUTIONS_MAX})
union (select execution_id from ends where tenant = $1 and ended_at >= $3::timestamptz
  order by ended_at desc limit ${EXECUTIONS_MAX})`

export async function readStatuses(
  db: Database,
  { tenant }: Principal,
  by: { id?: ExecutionId; since?: string | undefined },
) {
  const rows = await db.query<Row>(
    `orchestrator.watched_execution${by.id === undefined ? 's' : ''}`,
    `select e.execution_id, e.status, e.request->>'task' as task, e.audit_seq, e.task_verified, t.tasks, t.ended, t.current
       from (${by.id === undefined ? CHANGED : ONE}) f join executions e using (execution_id) cross join lateral (
         select count(*)::int as tasks,
                (count(*) filter (where a.actual_status not in ('pending', 'in_progress')))::int as ended,
                min(d.title) filter (where a.actual_status = 'in_progress') as current
           from actual_state a join desired_state d using (task_id) where a.execution_id = e.execution_id) t
      where e.tenant = $1 order by e.execution_id desc limit ${EXECUTIONS_MAX}`,
    [tenant, by.id ?? null, by.since ?? null],
  )
  return rows.map(({ execution_id, status, task, audit_seq, task_verified: verified, tasks, ended, current }) => ({
    execution_id,
    status,
    task,
    percent: tasks > 0 ? Math.floor((100 * ended) / tasks) : status === 'done' ? 100 : 0,
    current,
    success: status === 'done' && verified,
    last_seq: audit_seq,
  }))
}
