/** Marks the ended executions whose follow-up work is done. */
import type { ExecutionId } from '@deed/proto/ids'
import type { Database } from './schema.ts'
import type { Waiter } from './transitions.ts'

/** An execution as it ended: the number of the last audit row identifies the ending. */
export interface End {
  execution_id: ExecutionId
  audit_seq: number
}

/**
 * Marks ends as seen to, and forgets who waited for them. An execution that continues meanwhile, since it is tried again
 * or undone, is left as it is: nobody would look at it any more. Does not wait for the disk: what is lost is done again.
 *
 * @returns who is forgotten
 */
export function markFollowedUp(db: Database, ends: readonly End[]): Promise<Waiter[]> {
  return db.query<Waiter>(
    'orchestrator.settled',
    `with relaxed as (select set_config('synchronous_commit', 'off', true)),
       marked as (
         update executions e set settled = true
           from relaxed, unnest($1::uuid[], $2::integer[]) as x(execution_id, audit_seq)
          where e.execution_id = x.execution_id and e.audit_seq = x.audit_seq
         returning e.execution_id)
     delete from waiters w using marked m where w.execution_id = m.execution_id
     returning w.waiter_id::text, w.execution_id, w.reply_to`,
    [ends.map(({ execution_id }) => execution_id), ends.map(({ audit_seq }) => audit_seq)],
  )
}
