/**
 * What a statement does besides what it says, and what no second statement brings back: rows that foreign keys remove,
 * triggers, rules, sequences, dropped objects. Found in the catalogue, and counted, before anything is done.
 */
import type { Json } from '@deed/proto/json'
import type { ClientBase } from 'pg'
import { affectedRows, countRows } from './affected-rows.ts'
import { foreseeDefinition } from './foresee-definition.ts'
import { foreseeKeys } from './foresee-keys.ts'
import type { Judged } from './judge-calls.ts'
import { CHANGING } from './judge-writing.ts'
import type { Event, Loss } from './loss.ts'
import { type Fields, listOf, type Node, nodeOf, relationOf, type Statement } from './parse-sql.ts'
import { type Relation, relationIn } from './relation.ts'
import { runsConcurrently } from './runs-concurrently.ts'

/** What takes longer to count is not counted: somebody waits for the plan. */
const COUNT_MS_MAX = 1_000

/** In the transaction that is open, which should be read-only. Everything is only read. */
export async function foresee(
  client: ClientBase,
  statement: Statement,
  params: readonly Json[],
  { changing, advances, undo }: Judged & { undo: Statement | undefined },
): Promise<Loss[]> {
  await client.query(`SET LOCAL statement_timeout = ${COUNT_MS_MAX}`)
  const losses: Loss[] = changing.map((name) => ({ of: `call ${name}`, text: `calls ${name}, which may change more` }))
  if (advances) losses.push({ of: 'call nextval', text: 'advances a sequence (nextval)', small: true })
  losses.push(...(await foreseeDefinition(client, statement)))
  for (const node of statement.nodes.filter(({ type }) => CHANGING.has(type)))
    losses.push(...(await foreseeChange(client, node, statement, params, undo)))
  for (const node of undo?.nodes.filter(({ type }) => CHANGING.has(type)) ?? [])
    losses.push(...(await whileUndoing(client, node)))
  return [...new Map(losses.map((loss) => [loss.of, loss])).values()]
}

const TYPES: Readonly<Record<string, Event>> = { InsertStmt: 'insert', UpdateStmt: 'update', DeleteStmt: 'delete' }

async function foreseeChange(
  client: ClientBase,
  node: Node,
  statement: Statement,
  params: readonly Json[],
  undo: Statement | undefined,
): Promise<Loss[]> {
  const named = relationOf(node.fields.relation)
  const relation = await relationIn(client, named)
  if (!relation) return [{ of: `missing ${named.name}`, text: `changes ${named.name}, which is not there yet` }]
  const losses: Loss[] = []
  if (relation.kind === 'v')
    losses.push({ of: `view ${relation.shown}`, text: `changes what is behind the view ${relation.shown}` })
  const rows = await affectedRows(node, statement, params)
  const count = rows && (await countRows(client, rows))
  for (const event of eventsOf(node)) {
    const columns = event === 'update' ? updatedColumns(node) : undefined
    losses.push(...(await runsConcurrently(client, relation, event, { columns, rows: count })))
    if (count !== 0 && event !== 'insert')
      losses.push(...(await foreseeKeys(client, relation, event, { columns, rows })))
  }
  if (node.type === 'InsertStmt') losses.push(...sequencesOf(relation, node))
  if (node.type === 'DeleteStmt' && count !== 0 && undo) losses.push(...renewedBy(relation, undo))
  return losses
}

/** Triggers and rules that run when the undo does: what they do is nobody's undo. */
async function whileUndoing(client: ClientBase, node: Node): Promise<Loss[]> {
  const relation = await relationIn(client, relationOf(node.fields.relation))
  if (!relation) return []
  const losses: Loss[] = []
  for (const event of eventsOf(node)) {
    const columns = event === 'update' ? updatedColumns(node) : undefined
    losses.push(...(await runsConcurrently(client, relation, event, { columns, rows: undefined })))
  }
  return losses.map(({ of, text }) => ({ of: `undo: ${of}`, text: text.replace(/^runs/, 'has its undo run') }))
}

function eventsOf({ type, fields }: Node): Event[] {
  const event = TYPES[type]
  if (event === 'insert' && (fields.onConflictClause as Fields | undefined)?.action === 'ONCONFLICT_UPDATE')
    return ['insert', 'update']
  if (event) return [event]
  const commands = listOf(fields.mergeWhenClauses).map((clause) => String(nodeOf(clause)?.fields.commandType))
  return (['insert', 'update', 'delete'] as const).filter((name) => commands.includes(`CMD_${name.toUpperCase()}`))
}

/** @returns `undefined` where it may be any */
function updatedColumns({ type, fields }: Node): string[] | undefined {
  if (type !== 'UpdateStmt') return undefined
  return listOf(fields.targetList).flatMap((target) => {
    const { name } = nodeOf(target)?.fields ?? {}
    return typeof name === 'string' ? [name] : []
  })
}

/** Columns that the statement leaves to their sequences. */
function sequencesOf(relation: Relation, insert: Node): Loss[] {
  return relation.counted
    .filter(({ column }) => !gives(relation, insert, column))
    .map(({ column }) => ({
      of: `sequence of ${relation.shown}.${column}`,
      text: `advances the sequence of ${relation.shown}.${column}`,
      small: true,
    }))
}

/** An undo that inserts the rows again, and has a sequence give them other numbers. */
function renewedBy(relation: Relation, undo: Statement): Loss[] {
  const insert = undo.nodes.find(
    ({ type, fields }) => type === 'InsertStmt' && relationOf(fields.relation).name === relation.name,
  )
  if (!insert) return []
  return relation.counted
    .filter(({ column }) => !gives(relation, insert, column))
    .map(({ column }) => ({
      of: `number of ${relation.shown}.${column}`,
      text: `removes the ${column} of the rows of ${relation.shown}: the undo inserts them with another one`,
    }))
}

/** Whether an INSERT says the value of a column. */
function gives(relation: Relation, { fields }: Node, column: string): boolean {
  const names = listOf(fields.cols).map((col) => String(nodeOf(col)?.fields.name))
  const index = (names.length > 0 ? names : relation.columns).indexOf(column)
  if (index < 0) return false
  const select = nodeOf(fields.selectStmt)?.fields
  if (!select) return false
  const lists = listOf(select.valuesLists).map((list) => listOf(nodeOf(list)?.fields.items))
  if (lists.length === 0) return names.length > 0 || index < listOf(select.targetList).length
  return lists.every((items) => index < items.length && nodeOf(items[index])?.type !== 'SetToDefault')
}
