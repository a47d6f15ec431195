import type { Handler } from '@deed/mesh/bus'
import { type findId as contract, FOUND_MAX } from '@deed/proto/find-id'
import type { Database } from '../store/schema.ts'

/** How many of the newest are read, one by one: this is for people, and programs have the whole id. */
const NEWEST = 20_000

const newest = (table: string, id: string, where: string, order = id): string =>
  `(select ${id} as id from ${table} where tenant = $1 and ${where} order by ${order} desc limit ${NEWEST})`

const EXECUTIONS = `${newest('executions', 'execution_id', 'not followed_up')} union all ${newest('ends', 'execution_id', 'true')}`

const FIND = `
with executions as materialized (select id from (${EXECUTIONS}) e order by id desc limit ${NEWEST})
select id from (
  select id from executions where 'execution' = any($3)
  union select t.task_id from executions e cross join lateral (
    select task_id from desired_state where execution_id = e.id offset 0) t where 'task' = any($3)
  union ${newest('approvals', 'approval_id', `'approval' = any($3)`)}
  union ${newest('desired_state', 'task_id', `capability = 'human' and task_kind <> 'approve' and 'approval' = any($3)`, 'created_at')}
  union ${newest('grants', 'grant_id', `'grant' = any($3)`)}
) known where right(id::text, length($2)) = $2 order by id desc limit ${FOUND_MAX}`

export function findId({ db }: { db: Database }): Handler<typeof contract> {
  return async ({ ending, of }, { principal }) => {
    const rows = await db.query<{ id: string }>('orchestrator.find_id', FIND, [principal.tenant, ending, of])
    return { ids: rows.map(({ id }) => id) }
  }
}
