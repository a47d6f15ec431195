/** Marks the ended executions whose follow-up work is done. */
import type { ExecutionId } from '@deed/proto/ids'
import { countEnds, insertEnds } from './ends.ts'
import type { Database } from './schema.ts'
import type { Total } from './totals.ts'
import type { Waiter } from './transitions.ts'

/** An execution as it ended: the number of the last audit row identifies the ending. */
export interface End {
  execution_id: ExecutionId
  audit_seq: number
  /** What it adds to the totals of the mesh, once. */
  totals?: readonly Total[]
}

/** Few ends add to the totals, so the usual statement names fewer tables. An end that was marked before adds nothing. */
const ADDED = `,
       added as (
         insert into totals as t (name, labels, value)
         select x.name, x.labels, count(*) from jsonb_to_recordset($3) as x(execution_id uuid, name text, labels jsonb)
           join marked m on m.execution_id = x.execution_id
          group by 1, 2 order by 1, 2
         on conflict (name, labels) do update set value = t.value + excluded.value)`

/**
 * Marks ends as seen to, counts them, and forgets who waited for them. An execution that continues meanwhile, since it is
 * tried again or undone, is left as it is: nobody would look at it any more. Does not wait for the disk: what is lost is
 * done again. A step that is decided on the row as it was before finds another version, and is decided again.
 *
 * @returns who is forgotten
 */
export function markFollowedUp(db: Database, ends: readonly End[]): Promise<Waiter[]> {
  const totals = ends.flatMap(({ execution_id, totals = [] }) => totals.map((total) => ({ execution_id, ...total })))
  const adds = totals.length > 0
  return db.query<Waiter>(
    adds ? 'orchestrator.followed_up.added' : 'orchestrator.followed_up',
    `with relaxed as (select set_config('synchronous_commit', 'off', true)),
       marked as (
         update executions e set followed_up = true, version = e.version + 1
           from relaxed, unnest($1::uuid[], $2::integer[]) as x(execution_id, audit_seq)
          where e.execution_id = x.execution_id and e.audit_seq = x.audit_seq and not e.followed_up
         returning e.*),
       ended as (${insertEnds('marked')}),
       counted as (${countEnds('ended', '+')})${adds ? ADDED : ''}
     delete from waiters w using marked m where w.execution_id = m.execution_id
     returning w.waiter_id::text, w.execution_id, w.reply_to`,
    [
      ends.map(({ execution_id }) => execution_id),
      ends.map(({ audit_seq }) => audit_seq),
      ...(adds ? [JSON.stringify(totals)] : []),
    ],
  )
}
