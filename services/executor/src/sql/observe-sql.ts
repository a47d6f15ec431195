/** Whether a query's rows are as they should be, on a connection of its own. */
import { canonicalJson } from '@deed/mesh/canonical-json'
import type { SingleObservation } from '@deed/proto/observation'
import type { Context } from '../kinds/kind.ts'
import { failed, type Seen, verified } from '../seen.ts'
import { readRows } from './read-only-query.ts'

type SqlObservation = Extract<SingleObservation, { kind: 'sql' }>

export async function observeSql(wanted: SqlObservation, { world }: Context): Promise<Seen> {
  const { target, query, params } = wanted
  const read = await world.databases.fresh(target, (client) => readRows(client, query, params))
  const facts = { rows: read.rows.length, sha256: read.sha256 }
  const count = `${target} gave ${read.rows.length} ${read.rows.length === 1 ? 'row' : 'rows'}`
  if (wanted.rows_min !== undefined && read.rows.length < wanted.rows_min)
    return failed(`${count}, not at least ${wanted.rows_min}`, facts)
  if (wanted.sha256 !== undefined && wanted.sha256 !== read.sha256)
    return failed(`${count} with SHA-256 ${read.sha256}, not ${wanted.sha256}`, facts)
  if (wanted.equals !== undefined) {
    const value = read.rows[0]?.[read.columns[0] ?? ''] ?? null
    if (canonicalJson(value) !== canonicalJson(wanted.equals))
      return failed(`${target} gave ${JSON.stringify(value)}, not ${JSON.stringify(wanted.equals)}`, facts)
  }
  return verified(count, facts)
}
