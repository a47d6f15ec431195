import type { Handler } from '@deed/mesh/bus'
import type { listExecutions as contract } from '@deed/proto/execution'
import { sql } from 'kysely'
import type { Database } from '../store/schema.ts'

/** @param listMax the default limit */
export function listExecutions({ db, listMax }: { db: Database; listMax: number }): Handler<typeof contract> {
  return async ({ status, method, template, since, until, text, limit = listMax, cursor }, { principal }) => {
    let query = db.db
      .selectFrom('executions')
      .select(['execution_id', 'status', 'method', 'template_used', 'created_at', 'finished_at', 'task_verified'])
      .select(sql<string>`request->>'task'`.as('task'))
      .where('tenant', '=', principal.tenant)
      .orderBy('execution_id', 'desc')
      .limit(limit + 1)
    if (status !== undefined) query = query.where('status', '=', status)
    if (method !== undefined) query = query.where('method', '=', method)
    if (template !== undefined) query = query.where('template_used', '=', template)
    if (since !== undefined) query = query.where('created_at', '>=', new Date(since))
    if (until !== undefined) query = query.where('created_at', '<', new Date(until))
    if (text !== undefined) query = query.where(sql<boolean>`strpos(lower(request->>'task'), lower(${text})) > 0`)
    if (cursor !== undefined) query = query.where('execution_id', '<', cursor)
    const rows = await query.execute()
    const executions = rows
      .slice(0, limit)
      .map(({ created_at: created, finished_at: finished, task_verified: verified, ...row }) => ({
        ...row,
        success: row.status === 'done' && verified,
        created_at: created.toISOString(),
        finished_at: finished?.toISOString() ?? null,
        time_ms: finished === null ? null : finished.getTime() - created.getTime(),
      }))
    const last = executions.at(-1)
    return { executions, next_cursor: rows.length > limit && last ? last.execution_id : null }
  }
}
