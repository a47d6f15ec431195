/** How many rows each table of the mesh has: what was refused at the door has changed none of them. */
import { until } from '@deed/process/until'
import type { Pool } from 'pg'

/**
 * By `schema.table`, of every table there is but those that are written by the clock, and of what other tables have
 * already: the anchors of the audit log, when old rows were looked for, where the rules of alerts are, and sums.
 */
export async function countRows(database: Pool): Promise<Record<string, number>> {
  const tables = await database.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema') and tablename not in (
        'audit_anchors', 'retention_runs', 'rule_states', 'held_changes', 'held_counts')
      order by 1`,
  )
  const counts = tables.rows.map(({ name }) => `select '${name}' as name, count(*)::int as count from ${name}`)
  const { rows } = await database.query<{ name: string; count: number }>(counts.join(' union all '))
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]))
}

/** The same, once nothing is under way that writes rows. */
export async function countRowsAtRest(database: Pool): Promise<Record<string, number>> {
  await until(
    async () => {
      const { rows } = await database.query<{ busy: boolean }>(
        `select exists (select from orchestrator.executions where not followed_up)
             or exists (select from orchestrator.waiters)
             or exists (select from executor.attempts where outcome is null) as busy`,
      )
      return rows[0]?.busy === false
    },
    { what: 'rest' },
  )
  return countRows(database)
}
