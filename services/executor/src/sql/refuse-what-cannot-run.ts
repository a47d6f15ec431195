/** Finds, without running a statement, what the database would refuse: missing tables and columns, types, rights. */
import { DeedError } from '@deed/proto/errors'
import type { Json } from '@deed/proto/json'
import type { ClientBase } from 'pg'
import { droppedNames } from './foresee-definition.ts'
import { CHANGING } from './judge-writing.ts'
import { type Fields, listOf, type Named, nodeOf, relationOf, type Statement } from './parse-sql.ts'
import { oneStatement } from './read-only-query.ts'
import { relationIn } from './relation.ts'
import { refusedWrite } from './write-statement.ts'

/**
 * In the transaction that is open, which should be read-only.
 *
 * @throws {DeedError} `invalid_request`, `effect_failed`, with the path of the statement
 */
export async function refuseWhatCannotRun(
  client: ClientBase,
  { text, statement, params, path }: { text: string; statement: Statement; params: readonly Json[]; path: string },
): Promise<void> {
  const { root } = statement
  if (CHANGING.has(root.type) || root.type === 'SelectStmt') {
    try {
      // Without ANALYZE it is planned, and its rights are checked; it does not run.
      await client.query(oneStatement(`EXPLAIN (COSTS OFF) ${text}`, params))
    } catch (error) {
      throw refusedWrite(error, path)
    }
    return
  }
  const refuse = (message: string): never => {
    throw new DeedError('invalid_request', message, { path })
  }
  const { fields, type } = root
  if (CREATING.has(type)) {
    const made = relationOf(
      (fields.relation ?? fields.view ?? fields.sequence ?? (fields.into as Fields | undefined)?.rel) as Fields,
    )
    if (fields.if_not_exists === true || fields.replace === true) return
    const there = await relationIn(client, made)
    if (there) refuse(`${there.shown} exists already; choose another name, or write IF NOT EXISTS`)
    return
  }
  for (const named of alteredBy(type, fields)) {
    const relation = await relationIn(client, named)
    if (!relation) {
      if (fields.missing_ok === true) continue
      refuse(`there is no ${shownName(named)} in the database; name one that is there, with its schema`)
      continue
    }
    const may = type === 'TruncateStmt' ? relation.truncatable : relation.owned
    if (!may)
      throw new DeedError(
        'effect_failed',
        `the role of the target may not do this to ${relation.shown}: it does not own it; give it the right, or use a target whose role has it`,
        { path },
      )
    const missing = columnsOf(type, fields).find((column) => !relation.columns.includes(column))
    if (missing !== undefined)
      refuse(`${relation.shown} has no column ${missing}; it has ${relation.columns.join(', ')}`)
  }
}

const CREATING: ReadonlySet<string> = new Set(['CreateStmt', 'CreateTableAsStmt', 'ViewStmt', 'CreateSeqStmt'])

const shownName = ({ schema, name }: Named): string => (schema === undefined ? name : `${schema}.${name}`)

const DROPPED: ReadonlySet<string> = new Set(
  ['TABLE', 'VIEW', 'MATVIEW', 'INDEX', 'SEQUENCE'].map((kind) => `OBJECT_${kind}`),
)
const ALTERED: ReadonlySet<string> = new Set([
  'AlterTableStmt',
  'RenameStmt',
  'IndexStmt',
  'AlterObjectSchemaStmt',
  'RuleStmt',
])

function alteredBy(type: string, fields: Fields): Named[] {
  if (type === 'TruncateStmt') return listOf(fields.relations).map((item) => relationOf(nodeOf(item)?.fields ?? {}))
  if (type === 'DropStmt') return DROPPED.has(String(fields.removeType)) ? droppedNames(fields) : []
  if (!ALTERED.has(type) || fields.relation === undefined) return []
  // A composite type is altered by the same statement, and a type is no table.
  if ([fields.objtype, fields.renameType].includes('OBJECT_TYPE')) return []
  return [relationOf(fields.relation)]
}

const OF_A_COLUMN: ReadonlySet<string> = new Set(
  ['DropColumn', 'AlterColumnType', 'ColumnDefault', 'SetNotNull', 'DropNotNull'].map((name) => `AT_${name}`),
)

/** Columns that must be there. */
function columnsOf(type: string, fields: Fields): string[] {
  if (type === 'RenameStmt') return fields.renameType === 'OBJECT_COLUMN' ? [String(fields.subname)] : []
  if (type === 'IndexStmt')
    return listOf(fields.indexParams).flatMap((item) => {
      const { name } = nodeOf(item)?.fields ?? {}
      return typeof name === 'string' ? [name] : []
    })
  if (type !== 'AlterTableStmt') return []
  const commands = listOf(fields.cmds).map((item) => nodeOf(item)?.fields ?? {})
  const added = commands.map(({ def }) => nodeOf(def)?.fields.colname)
  return commands
    .filter(({ subtype, missing_ok }) => OF_A_COLUMN.has(String(subtype)) && missing_ok !== true)
    .map(({ name }) => String(name))
    .filter((name) => !added.includes(name))
}
