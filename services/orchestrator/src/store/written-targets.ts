/** Whether an answer is still valid: whether nothing was written to its source since it was requested. */
import type { ExecutionId } from '@deed/proto/ids'
import { batched } from '@deed/store/batched'
import type { Database } from './schema.ts'

/** Represents every target. */
export const ANY_TARGET = '*'

/** Both times are the database's: of the statement that accepted the read, and of the one that recorded the write. */
const FRESH = `
select e.execution_id from executions e
 where e.execution_id = any($1::uuid[])
   -- Of an execution that is long over, nobody knows any more what it has read.
   and exists (select from desired_state d where d.execution_id = e.execution_id)
   and not exists (
     select from desired_state d
      where d.execution_id = e.execution_id and d.task_kind = 'act' and d.spec->'input'->>'target' is null)
   and not exists (
     select from written_targets w
      where w.tenant = e.tenant and w.written_at >= e.admitted_at and (w.name = '${ANY_TARGET}' or w.name in (
        select 'target:' || (d.spec->'input'->>'target') from desired_state d where d.execution_id = e.execution_id)))`

export type IsFresh = (id: ExecutionId) => Promise<boolean>

export function openFreshness(db: Database): IsFresh {
  return batched<ExecutionId, boolean>(async (ids) => {
    const rows = await db.query<{ execution_id: ExecutionId }>('orchestrator.fresh', FRESH, [[...new Set(ids)]])
    const fresh = new Set(rows.map(({ execution_id }) => execution_id))
    return ids.map((id) => fresh.has(id))
  })
}
