import type { Handler } from '@deed/mesh/bus'
import { type findId as contract, FOUND_MAX } from '@deed/proto/find-id'
import type { Database } from '../store/schema.ts'

/** It reads the ids of the tenant one by one, so it is for people and not for programs, which have the whole id. */
const FIND = `
select id from (
  select execution_id as id from executions where tenant = $1 and 'execution' = any($3)
  union select task_id from desired_state where tenant = $1 and 'task' = any($3)
  union select approval_id from approvals where tenant = $1 and 'approval' = any($3)
  union select task_id from desired_state where tenant = $1 and capability = 'human' and task_kind <> 'approve' and 'approval' = any($3)
  union select grant_id from grants where tenant = $1 and 'grant' = any($3)
) known where right(id::text, length($2)) = $2 order by id desc limit ${FOUND_MAX}`

export function findId({ db }: { db: Database }): Handler<typeof contract> {
  return async ({ ending, of }, { principal }) => {
    const rows = await db.query<{ id: string }>('orchestrator.find_id', FIND, [principal.tenant, ending, of])
    return { ids: rows.map(({ id }) => id) }
  }
}
