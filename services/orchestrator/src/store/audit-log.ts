/** Reading the audit log; it is written with the transitions. */
import type { AuditRow, EventType } from '@deed/proto/execution'
import type { ExecutionId, TaskId } from '@deed/proto/ids'
import type { JsonObject } from '@deed/proto/json'
import type { Database } from './schema.ts'

const ROWS_MAX = 10_000

export async function readTimeline(db: Database, id: ExecutionId): Promise<AuditRow[]> {
  const rows = await db.query<{ seq: number; type: EventType; at: Date; task_id: TaskId | null; data: JsonObject }>(
    'orchestrator.timeline',
    `select seq, type, at, task_id, data from audit_log where execution_id = $1 order by seq limit ${ROWS_MAX}`,
    [id],
  )
  return rows.map(({ seq, type, at, task_id, data }) => ({
    execution_id: id,
    seq,
    type,
    at: at.toISOString(),
    ...(task_id === null ? {} : { task_id }),
    data,
  }))
}
