/** What to look at where something does not end: the tasks, the ledger, and what the work queue holds. */
import type { FaultMesh } from './fault-mesh.ts'

const ROWS_MAX = 5

/** As text, one JSON value a line. */
export async function standstill({ database, client }: FaultMesh): Promise<string> {
  const tasks = await database.query(
    `select e.execution_id, e.status, e.followed_up, a.task_id, a.actual_status, a.intent, a.token, a.assigned_agent,
            a.lease_expires_at, a.next_attempt_at, a.failure_count, a.effect, a.last_error
       from orchestrator.executions e left join orchestrator.actual_state a using (execution_id)
      where not e.followed_up order by e.execution_id limit ${ROWS_MAX}`,
  )
  const ledger = await database.query(
    `select l.* from executor.actions l join orchestrator.executions e using (execution_id)
      where not e.followed_up order by l.action_id limit ${ROWS_MAX}`,
  )
  const consumers = await (await client.nc.jetstreamManager()).consumers
    .list('WORK')
    .next()
    .catch((error: Error) => error.message)
  return [...tasks.rows, ...ledger.rows, consumers].map((row) => JSON.stringify(row)).join('\n')
}
