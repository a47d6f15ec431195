import type { Handler } from '@deed/mesh/bus'
import { type findId as contract, FOUND_MAX, NEWEST, NEWEST_TASKS } from '@deed/proto/find-id'
import type { Database } from '../store/schema.ts'

/** The whole bytes of the ending are compared first: to write an id as text takes longer than to read it. */
const ENDS_SO = 'substr(uuid_send(id), $4) = $5'
const ID_BYTES = 16

/** Ids from the end of an index, which has all that is read of them: no row is visited unless its id ends so. */
const newest = (table: string, id: string, where: string, max = NEWEST, order = id): string =>
  `(select ${id} as id from ${table} where ${where} order by ${order} desc limit ${max})`

const found = (ids: string): string => `select id from ${ids} newest where ${ENDS_SO}`

const EXECUTIONS = `(select id from (
  ${newest('executions', 'execution_id', 'tenant = $1 and not followed_up')} union all
  ${newest('ends', 'execution_id', 'tenant = $1')}) e order by id desc limit ${NEWEST})`

// The index of tasks has no tenant: whose they are is read of those that are found.
const FIND = `
select id from (
  select id from (${found(EXECUTIONS)} offset 0) e where 'execution' = any($3)
  union select t.task_id from (${found(newest('desired_state', 'task_id', 'true', NEWEST_TASKS))} offset 0) f
    join desired_state t on t.task_id = f.id where t.tenant = $1 and 'task' = any($3)
  union ${found(newest('approvals', 'approval_id', `tenant = $1 and 'approval' = any($3)`))}
  union ${found(newest('desired_state', 'task_id', `tenant = $1 and capability = 'human' and task_kind <> 'approve' and 'approval' = any($3)`, NEWEST, 'created_at'))}
  union ${found(newest('grants', 'grant_id', `tenant = $1 and 'grant' = any($3)`))}
) known where right(id::text, length($2)) = $2 order by id desc limit ${FOUND_MAX}`

export function findId({ db }: { db: Database }): Handler<typeof contract> {
  return async ({ ending, of }, { principal }) => {
    const bytes = Buffer.from(ending.slice(ending.length % 2), 'hex')
    const given = [principal.tenant, ending, of, 1 + ID_BYTES - bytes.length, bytes]
    const rows = await db.query<{ id: string }>('orchestrator.find_id', FIND, given)
    return { ids: rows.map(({ id }) => id) }
  }
}
