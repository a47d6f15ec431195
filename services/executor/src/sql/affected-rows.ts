/** The rows that an UPDATE or DELETE would change, as a query: the same table, the same condition, the same values. */
import { defined, type Json } from '@deed/proto/json'
import type { ClientBase } from 'pg'
import { CHANGING } from './judge-writing.ts'
import { type Fields, listOf, type Node, nodeOf, type Statement } from './parse-sql.ts'
import { oneStatement } from './read-only-query.ts'
import { tryWithin } from './savepoint.ts'

/** A query without its `WITH` and `;`, with $n as its own values go. */
export interface Query {
  readonly text: string
  readonly params: readonly Json[]
}

/**
 * @returns `undefined` where the rows cannot be said by a query: another kind of statement, or one whose WITH changes
 *   something
 */
export async function affectedRows(
  { type, fields }: Node,
  statement: Statement,
  params: readonly Json[],
): Promise<Query | undefined> {
  if (type !== 'UpdateStmt' && type !== 'DeleteStmt') return undefined
  // What a part of a larger statement sees, only that statement knows.
  if (statement.nodes.filter((node) => CHANGING.has(node.type)).length > 1) return undefined
  // A condition of thousands of parts is deeper than the stack of what writes it down.
  if (statement.nodes.length > NODES_MAX) return undefined
  const relation = fields.relation as Fields
  const alias = (relation.alias as Fields | undefined)?.aliasname ?? relation.relname
  const others = listOf(type === 'UpdateStmt' ? fields.fromClause : fields.usingClause)
  const from = [{ RangeVar: relation }, ...others]
  const used: number[] = []
  const own = (value: unknown): unknown => renumbered(value, used)
  const column = (name: unknown) => ({
    ResTarget: { val: { ColumnRef: { fields: [{ String: { sval: alias } }, name] } } },
  })
  const select = (targets: unknown[], fromClause: unknown[], whereClause: unknown): Fields => ({
    targetList: targets,
    fromClause,
    ...defined({ whereClause }),
    limitOption: 'LIMIT_OPTION_DEFAULT',
    op: 'SETOP_NONE',
  })
  const star = column({ A_Star: {} })
  const where = own(fields.whereClause)
  const selected: Fields =
    others.length === 0
      ? select([star], from, where)
      : // A row that several others match is changed once.
        {
          ...select([star], own(from) as unknown[], where),
          distinctClause: [column({ String: { sval: 'tableoid' } }), column({ String: { sval: 'ctid' } })].map(
            ({ ResTarget }) => ResTarget.val,
          ),
        }
  if (fields.withClause) selected.withClause = own(fields.withClause)
  const { Deparser } = await import('pgsql-deparser')
  return {
    text: Deparser.deparse({ SelectStmt: selected } as never),
    params: used.map((number) => params[number - 1] ?? null),
  }
}

const NODES_MAX = 5_000

/** Unused values have no type that the server could find, so those used are numbered from 1. */
function renumbered(value: unknown, used: number[]): unknown {
  if (Array.isArray(value)) return value.map((item) => renumbered(item, used))
  if (typeof value !== 'object' || value === null) return value
  const node = nodeOf(value)
  if (node?.type === 'ParamRef') {
    const number = Number(node.fields.number)
    if (!used.includes(number)) used.push(number)
    return { ParamRef: { ...node.fields, number: used.indexOf(number) + 1 } }
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, renumbered(item, used)]))
}

/** Further rows are not counted. */
export const COUNTED_MAX = 100_000

/** @returns `undefined` where the database does not let them be counted */
export async function countRows(client: ClientBase, { text, params }: Query): Promise<number | undefined> {
  const query = `SELECT count(*)::int FROM (SELECT 1 FROM (${text}) AS affected LIMIT ${COUNTED_MAX + 1}) AS counted`
  const result = await tryWithin(client, () => client.query(oneStatement(query, params)))
  return result && Number((result.rows as unknown as number[][])[0]?.[0])
}

/**
 * A hash over all that the rows hold.
 *
 * @returns `undefined` where the database does not let them be read
 */
export async function imageOf(client: ClientBase, { text, params }: Query): Promise<string | undefined> {
  const query = `SELECT count(*) || ':' || encode(sha256(convert_to(coalesce(string_agg(hash, '' ORDER BY hash), ''), 'UTF8')), 'hex')
    FROM (SELECT md5(CAST(affected AS text)) AS hash FROM (${text}) AS affected) AS hashes`
  const result = await tryWithin(client, () => client.query(oneStatement(query, params)))
  const [row] = (result?.rows ?? []) as unknown as string[][]
  return row?.[0]
}
