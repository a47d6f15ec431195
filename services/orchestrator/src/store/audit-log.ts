/** Reads the audit log; it is written with the transitions. */
import type { AuditRow, EventType } from '@deed/proto/execution'
import type { ExecutionId, TaskId } from '@deed/proto/ids'
import type { JsonObject } from '@deed/proto/json'
import type { Database } from './schema.ts'

/** @returns the rows after the number `after`, in order */
export async function readTimeline(
  db: Database,
  id: ExecutionId,
  { after = 0, limit }: { after?: number; limit: number },
): Promise<AuditRow[]> {
  const rows = await db.query<{ seq: number; type: EventType; at: Date; task_id: TaskId | null; data: JsonObject }>(
    'orchestrator.timeline',
    `select seq, type, at, task_id, data from audit_log where execution_id = $1 and seq > $2 order by seq limit $3`,
    [id, after, limit],
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

/** A stored chain, with the head in the execution's row. */
export interface Chain {
  execution_id: ExecutionId
  audit_seq: number
  audit_hash: string
  rows: { seq: number; type: EventType; at: string; task_id: TaskId | null; data: JsonObject; hash: string }[]
}

/** @param order of the page, which begins behind $3 and has $4 executions */
const chains = (order: 'asc' | 'desc'): string => {
  const behind = `($3::uuid is null or execution_id ${order === 'asc' ? '>' : '<'} $3)`
  const page = (ended: string): string =>
    `(select execution_id from ${ended} and tenant = $1 and ($2::uuid is null or execution_id = $2) and ${behind}
       order by execution_id ${order} limit $4)`
  return `
select e.execution_id, e.audit_seq, e.audit_hash, (
    select coalesce(jsonb_agg(jsonb_build_object('seq', l.seq, 'type', l.type, 'at', l.at, 'task_id', l.task_id,
             'data', l.data, 'hash', l.hash) order by l.seq), '[]')
      from audit_log l where l.execution_id = e.execution_id) as rows
  from (select execution_id from (${page('executions where not followed_up')} union all ${page('ends where true')}) u
         order by execution_id ${order} limit $4) page
  join executions e using (execution_id)
 order by e.execution_id ${order}`
}
const CHAINS_BEFORE = chains('desc')
const CHAINS_AFTER = chains('asc')

/** Newest executions first. */
export function readChainsBefore(
  db: Database,
  tenant: string,
  by: { executionId?: ExecutionId | undefined; before?: ExecutionId | undefined; limit: number },
): Promise<Chain[]> {
  return db.query<Chain>('orchestrator.chains_before', CHAINS_BEFORE, [
    tenant,
    by.executionId ?? null,
    by.before ?? null,
    by.limit,
  ])
}

/** Oldest executions first. */
export function readChainsAfter(
  db: Database,
  tenant: string,
  by: { executionId?: ExecutionId | undefined; after?: ExecutionId | undefined; limit: number },
): Promise<Chain[]> {
  return db.query<Chain>('orchestrator.chains_after', CHAINS_AFTER, [
    tenant,
    by.executionId ?? null,
    by.after ?? null,
    by.limit,
  ])
}
