/** Whether a query's rows are as they should be, on a connection of its own. */
import { counted } from '@deed/config/counted'
import { canonicalJson } from '@deed/json/canonical-json'
import type { Json } from '@deed/proto/json'
import type { SingleObservation } from '@deed/proto/observation'
import type { Context } from '../kind/kind.ts'
import { failed, type Seen, verified } from '../kind/seen.ts'
import { type Rows, readRows } from './read-only-query.ts'
import { decimalOf, isNumber } from './values.ts'

type SqlObservation = Extract<SingleObservation, { kind: 'sql' }>

export async function observeSql(wanted: SqlObservation, { world }: Context): Promise<Seen> {
  const { target, query, params } = wanted
  return judgeRows(wanted, await world.databases.fresh(target, (client) => readRows(client, query, params)))
}

/** Whether rows that were read are as they should be. */
export function judgeRows(
  { target, rows_min, sha256, equals }: Omit<SqlObservation, 'kind' | 'query' | 'params'>,
  read: Rows,
): Seen {
  const facts = { rows: read.rows.length, sha256: read.sha256 }
  const count = `${target} gave ${counted(read.rows.length, 'row')}`
  if (rows_min !== undefined && read.rows.length < rows_min) return failed(`${count}, not at least ${rows_min}`, facts)
  if (sha256 !== undefined && sha256 !== read.sha256)
    return failed(`${count} with SHA-256 ${read.sha256}, not ${sha256}`, facts)
  if (equals !== undefined) {
    const value = read.rows[0]?.[read.columns[0] ?? ''] ?? null
    if (!isEqual(value, equals, read.firstType))
      return failed(`${target} gave ${JSON.stringify(value)}, not ${JSON.stringify(equals)}`, facts)
  }
  return verified(count, facts)
}

/** A number of any type is compared by its decimal value, so `"9007199254740993"` equals a bigint, and 1.1 a numeric 1.10. */
function isEqual(value: Json, equals: Json, type: number | undefined): boolean {
  if (canonicalJson(value) === canonicalJson(equals)) return true
  if (type === undefined || !isNumber(type)) return false
  const [left, right] = [value, equals].map((one) =>
    typeof one === 'number' || typeof one === 'string' ? decimalOf(String(one)) : undefined,
  )
  return left !== undefined && left === right
}
