/**
 * What a statement would still change although the proof that its caller brings holds already: then the proof looks at
 * something else. Read from the catalogue and the rows; nothing is changed.
 */
import type { Json } from '@deed/proto/json'
import type { ClientBase } from 'pg'
import { affectedRows, countRows } from './affected-rows.ts'
import { type Fields, listOf, type Node, nodeOf, relationOf, type Statement } from './parse-sql.ts'
import { oneStatement, type Reading } from './read-only-query.ts'
import { type Relation, relationIn } from './relation.ts'
import { tryWithin } from './savepoint.ts'

/**
 * In the transaction that is open, which should be read-only.
 *
 * @returns in words; `undefined` where nothing is left to do
 */
export async function leftToDo(
  client: ClientBase,
  statement: Statement,
  params: readonly Json[],
  proof: Reading,
): Promise<string | undefined> {
  const { root } = statement
  switch (root.type) {
    case 'InsertStmt':
      return said(await missingRows(client, statement, params), 'insert')
    case 'UpdateStmt': {
      const changing = whereOthers(root, proof)
      if (changing === 'none') return undefined
      const rows = changing && (await affectedRows(changing, statement, params))
      return said(rows && (await countRows(client, rows)), 'update')
    }
    case 'DeleteStmt': {
      const rows = await affectedRows(root, statement, params)
      return said(rows && (await countRows(client, rows)), 'delete')
    }
    case 'TruncateStmt':
      return said(await countAll(client, root), 'delete')
    default: {
      const made = namesOf(root)
      return made.length > 0 && made.every((name) => mentions(proof, name))
        ? undefined
        : 'change what the proof does not name'
    }
  }
}

const said = (rows: number | undefined, verb: string): string | undefined => {
  if (rows === 0) return undefined
  return rows === undefined ? `${verb} rows that cannot be foreseen` : `${verb} ${rows} ${rows === 1 ? 'row' : 'rows'}`
}

/** Of the rows that an INSERT of given values would make, how many are not there with the same values. */
async function missingRows(
  client: ClientBase,
  { root: { fields } }: Statement,
  params: readonly Json[],
): Promise<number | undefined> {
  const relation = await relationIn(client, relationOf(fields.relation))
  const select = nodeOf(fields.selectStmt)?.fields
  if (!relation || !select || fields.withClause) return undefined
  const lists = listOf(select.valuesLists).map((list) => listOf(nodeOf(list)?.fields.items))
  const [first] = lists
  if (!first) return undefined
  const columns = columnsOf(fields, relation).slice(0, first.length)
  const key = keptBy(fields.onConflictClause)
  // What the database computes for a column is another value each time.
  const given = columns.flatMap((column, index) =>
    lists.every((list) => isGiven(list[index])) && (key?.has(column) ?? true) ? [{ column, index }] : [],
  )
  if (given.length === 0) return undefined
  const { Deparser } = await import('pgsql-deparser')
  const rows = lists.map((list) => `(${given.map(({ index }) => Deparser.deparse(list[index] as never)).join(', ')})`)
  const quoted = given.map(({ column }) => `"${column.replaceAll('"', '""')}"`)
  // As the column's own type reads it, rounding and all.
  const same = given.map(({ column }, index) => {
    const value = `(jsonb_populate_record(NULL::${relation.quoted}, jsonb_build_object('${column.replaceAll("'", "''")}', wanted.${quoted[index]}))).${quoted[index]}`
    return `there.${quoted[index]}::text IS NOT DISTINCT FROM ${value}::text`
  })
  const query = `SELECT count(*)::int FROM (VALUES ${rows.join(', ')}) AS wanted(${quoted.join(', ')})
    WHERE NOT EXISTS (SELECT FROM ${relation.quoted} AS there WHERE ${same.join(' AND ')})`
  const result = await tryWithin(client, () => client.query(oneStatement(query, params)))
  return result && Number((result.rows as unknown as number[][])[0]?.[0])
}

/** By which columns a row that is there is left as it is: of ON CONFLICT (...) DO NOTHING. */
function keptBy(clause: unknown): ReadonlySet<string> | undefined {
  const { action, infer } = (clause ?? {}) as { action?: string; infer?: Fields }
  if (action !== 'ONCONFLICT_NOTHING' || !infer) return undefined
  return new Set(listOf(infer.indexElems).map((element) => String(nodeOf(element)?.fields.name)))
}

function columnsOf(fields: Fields, relation: Relation): readonly string[] {
  const named = listOf(fields.cols).map((column) => String(nodeOf(column)?.fields.name))
  return named.length > 0 ? named : relation.columns
}

/** A value that is in the statement or among its parameters. */
function isGiven(value: unknown): boolean {
  const node = nodeOf(value)
  if (node?.type === 'TypeCast') return isGiven(node.fields.arg)
  return node?.type === 'A_Const' || node?.type === 'ParamRef'
}

/**
 * The UPDATE, only of the rows whose values it would change.
 *
 * @returns `none` where the proof reads all that is computed from the row itself, and nothing else is set
 */
function whereOthers(root: Node, proof: Reading): Node | 'none' | undefined {
  const { fields } = root
  const { alias, relname } = fields.relation as { alias?: { aliasname: string }; relname: string }
  const differing: unknown[] = []
  for (const target of listOf(fields.targetList)) {
    const { name, val, indirection } = nodeOf(target)?.fields ?? {}
    if (typeof name !== 'string' || indirection || nodeOf(val)?.type === 'MultiAssignRef') return undefined
    // As in n = n + 1: what it is to be is known from the proof alone.
    if (!isGiven(val) && mentions(proof, name)) continue
    differing.push({
      A_Expr: {
        kind: 'AEXPR_DISTINCT',
        name: [{ String: { sval: '=' } }],
        lexpr: {
          ColumnRef: { fields: [{ String: { sval: alias?.aliasname ?? relname } }, { String: { sval: name } }] },
        },
        rexpr: val,
      },
    })
  }
  if (differing.length === 0) return 'none'
  const either = { BoolExpr: { boolop: 'OR_EXPR', args: differing } }
  const whereClause = fields.whereClause
    ? { BoolExpr: { boolop: 'AND_EXPR', args: [fields.whereClause, either] } }
    : either
  return { type: root.type, fields: { ...fields, whereClause } }
}

async function countAll(client: ClientBase, { fields }: Node): Promise<number | undefined> {
  let all = 0
  for (const named of listOf(fields.relations)) {
    const relation = await relationIn(client, relationOf(nodeOf(named)?.fields ?? {}))
    const rows = relation && (await countRows(client, { text: `SELECT 1 FROM ${relation.quoted}`, params: [] }))
    if (rows === undefined) return undefined
    all += rows
  }
  return all
}

/** What a definition makes, changes or removes, by name. */
function namesOf({ type, fields }: Node): string[] {
  if (type === 'AlterTableStmt')
    return listOf(fields.cmds).map((command) => {
      const { name, def } = nodeOf(command)?.fields ?? {}
      const defined = nodeOf(def)?.fields ?? {}
      return String(name ?? defined.colname ?? defined.conname ?? relationOf(fields.relation).name)
    })
  if (type === 'DropStmt') return listOf(fields.objects).map(lastName)
  const relation = fields.relation ?? fields.rel ?? fields.view ?? fields.sequence
  const into = (fields.into as Fields | undefined)?.rel
  const name = fields.newname ?? fields.idxname ?? fields.subname ?? fields.schemaname ?? fields.role
  if (typeof name === 'string') return [name]
  if (relation ?? into) return [relationOf(relation ?? into).name]
  return listOf(fields.typeName ?? fields.domainname ?? fields.typevar)
    .map(lastName)
    .slice(-1)
}

function lastName(value: unknown): string {
  const node = nodeOf(value)
  if (node?.type === 'String') return String(node.fields.sval)
  return String(
    listOf(node?.fields.items ?? node?.fields.names)
      .map(lastName)
      .at(-1) ?? '',
  )
}

/** Whether the proof's query names it: as a column, a relation, or within a text. */
function mentions({ query, params, statement }: Reading, name: string): boolean {
  const every = statement.nodes.some(({ type }) => type === 'A_Star')
  const word = new RegExp(`(?<![\\w$])${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\w$])`, 'i')
  return every || word.test(query) || params.some((value) => word.test(String(value)))
}
