/** Where the time of an execution goes, by what the mesh itself recorded. */
import type { Client } from 'pg'
import { rounded } from './scenario.ts'

/**
 * Mean milliseconds from record to record, over all executions of a load that were measured. The
 * clock of the audit log counts whole milliseconds, so a mean says something and one execution does not.
 *
 * @param meanMs as the client saw it: what the records do not cover is the first and the last entry's
 */
export async function hopsOf(
  database: Client,
  { run, warmUps, count, meanMs }: { run: string; warmUps: number; count: number; meanMs: number },
): Promise<Record<string, number>> {
  const { rows } = await database.query<Record<string, number>>(
    `with measured as (
       select execution_id from orchestrator.executions
        where request ->> 'task' like '%' || $1 || '%'
        order by execution_id offset $2 limit $3
     ), told as (
       select execution_id,
              min(at) filter (where type = 'execution.accepted') as accepted,
              min(at) filter (where type = 'execution.planned') as planned,
              min(at) filter (where type = 'task.leased') as leased,
              min(at) filter (where type = 'task.done') as done,
              min(at) filter (where type = 'execution.ended') as ended
         from orchestrator.audit_log where execution_id in (select execution_id from measured) group by 1
     )
     select avg(${ms('accepted', 'planned')})::float8 as accepted_to_planned,
            avg(${ms('planned', 'leased')})::float8 as planned_to_leased,
            avg(${ms('leased', 'intent_at')})::float8 as leased_to_intent,
            avg(${ms('intent_at', 'a.finished_at')})::float8 as intent_to_outcome,
            avg(${ms('a.finished_at', 'done')})::float8 as outcome_to_done,
            avg(${ms('done', 'ended')})::float8 as done_to_ended,
            avg(${ms('accepted', 'ended')})::float8 as accepted_to_ended
       from told join executor.actions a using (execution_id)`,
    [`bench/${run}/`, warmUps, count],
  )
  const { accepted_to_ended: whole = 0, ...hops } = rows[0] ?? {}
  const rest = { before_accepted_and_after_ended: meanMs - whole }
  return Object.fromEntries(Object.entries({ ...hops, ...rest }).map(([hop, value]) => [hop, rounded(value, 2)]))
}

const ms = (from: string, to: string): string => `extract(epoch from ${to} - ${from}) * 1000`
