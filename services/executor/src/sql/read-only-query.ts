/**
 * One statement that only reads, several fences deep: PostgreSQL's own parser says what it is, the catalogue what its
 * functions may do, and it runs in a read-only transaction, by the extended protocol, which takes one statement and
 * nothing behind it, with a time limit.
 */
import { counted } from '@deed/config/counted'
import { canonicalJson, sha256 } from '@deed/json/canonical-json'
import { DeedError } from '@deed/proto/errors'
import type { Json } from '@deed/proto/json'
import type { ClientBase, FieldDef, QueryArrayResult, QueryConfig } from 'pg'
import { STATEMENT_MS_MAX } from './databases.ts'
import { judgeCalls } from './judge-calls.ts'
import { listOf, type Node, nodeOf, parseStatement, type Statement } from './parse-sql.ts'
import { isTransient, sqlstateOf } from './sqlstates.ts'

export const ROWS_MAX = 10_000

export interface Rows {
  /** Of two columns with one name, the second has a number behind it. */
  readonly columns: string[]
  readonly rows: Record<string, Json>[]
  /** The type of the first column. */
  readonly firstType: number | undefined
  /** Of the rows' canonical JSON, in an order of its own: without ORDER BY rows have none. */
  readonly sha256: string
}

/** @throws {DeedError} `not_read_only`, `limit_exceeded`, `invalid_request` */
export async function readRows(client: ClientBase, query: string, params: readonly Json[]): Promise<Rows> {
  const reading = await parseReading(query, params)
  return readOnly(client, () => fetchRows(client, reading))
}

/**
 * In a read-only transaction that leaves nothing behind.
 *
 * @param timeoutMs of each statement
 * @throws {DeedError} as `readRows`
 */
export async function readOnly<T>(
  client: ClientBase,
  work: () => Promise<T>,
  timeoutMs = STATEMENT_MS_MAX,
): Promise<T> {
  try {
    await client.query('BEGIN READ ONLY')
    await client.query(`SET LOCAL statement_timeout = ${timeoutMs}`)
    return await work()
  } catch (error) {
    throw refusal(error, timeoutMs)
  } finally {
    // On a connection that is lost nothing is left to roll back.
    await client.query('ROLLBACK').catch(() => undefined)
  }
}

/** A query that may run, with its values. */
export interface Reading {
  readonly query: string
  readonly params: readonly Json[]
  readonly statement: Statement
}

/** @param path of the query in the request, for errors. @throws {DeedError} `not_read_only`, `invalid_request`, by the text alone */
export async function parseReading(query: string, params: readonly Json[], path?: string): Promise<Reading> {
  const statement = await parseStatement(query, 'not_read_only', path)
  refuseNotReading(statement, path)
  refuseOtherCount(statement, params, 'query', path)
  return { query, params, statement }
}

/** Reads in the transaction that is open, which should be read-only. */
export async function fetchRows(client: ClientBase, { query, params, statement }: Reading): Promise<Rows> {
  await judgeCalls(client, statement, { code: 'not_read_only', reads: true })
  if (statement.root.type !== 'SelectStmt') return rowsOf(await client.query(oneStatement(query, params)))
  // The query of a cursor: it takes a SELECT and nothing else, and not all rows need to be read.
  await client.query(oneStatement(`DECLARE reading NO SCROLL CURSOR FOR ${query}`, params))
  const result = await client.query({ text: `FETCH ${ROWS_MAX + 1} FROM reading`, rowMode: 'array' })
  await client.query('CLOSE reading')
  if (result.rows.length > ROWS_MAX) throw new DeedError('limit_exceeded', `more than ${ROWS_MAX} rows; ask for fewer`)
  return rowsOf(result)
}

/** By the extended protocol also without parameters: it takes one statement, where the simple one takes many. */
export function oneStatement(
  text: string,
  params: readonly Json[],
): QueryConfig & { queryMode: 'extended'; rowMode: 'array' } {
  return { text, values: [...params], queryMode: 'extended', rowMode: 'array' }
}

export function rowsOf({ fields, rows: values }: Pick<QueryArrayResult<Json[]>, 'fields' | 'rows'>): Rows {
  const columns = namesOf(fields)
  const rows = values.map((row) => Object.fromEntries(row.map((value, index) => [columns[index]!, value])))
  return {
    columns,
    rows,
    firstType: fields[0]?.dataTypeID,
    sha256: sha256(rows.map(canonicalJson).sort().join('\n')),
  }
}

/** Each once: a second `name` is `name_2`, so that no value takes another's place. */
function namesOf(fields: readonly Pick<FieldDef, 'name'>[]): string[] {
  const given = new Set(fields.map(({ name }) => name))
  const used = new Set<string>()
  return fields.map(({ name }) => {
    let own = name
    for (let number = 2; used.has(own) || (own !== name && given.has(own)); number++) own = `${name}_${number}`
    used.add(own)
    return own
  })
}

/** EXPLAIN plans these, and without ANALYZE runs none of them. */
const EXPLAINED: ReadonlySet<string> = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'])

/** @throws {DeedError} `not_read_only` */
export function refuseNotReading({ root, nodes }: Statement, path?: string): void {
  const notReading = (message: string): DeedError => new DeedError('not_read_only', message, { path })
  if (root.type === 'VariableShowStmt') return
  if (root.type === 'ExplainStmt') {
    const explained = nodeOf(root.fields.query)
    if (!explained || !EXPLAINED.has(explained.type))
      throw notReading('EXPLAIN takes a SELECT, INSERT, UPDATE, DELETE or MERGE here')
    if (analyzes(root))
      throw notReading(
        'EXPLAIN ANALYZE runs the statement and measures times, which no second reading repeats; leave ANALYZE out',
      )
    return
  }
  if (root.type !== 'SelectStmt')
    throw notReading(
      `a query is SELECT, VALUES, TABLE, WITH, SHOW or EXPLAIN, not ${nameOfType(root)}; use sql.execute to change something`,
    )
  const other = nodes.find(({ type }) => type.endsWith('Stmt') && type !== 'SelectStmt')
  if (other) throw notReading(`${nameOfType(other)} inside of a query changes something; use sql.execute`)
  if (nodes.some(({ type }) => type === 'IntoClause'))
    throw notReading('SELECT INTO makes a table; leave INTO out, or use sql.execute with CREATE TABLE AS')
  if (nodes.some(({ type }) => type === 'LockingClause'))
    throw notReading('FOR UPDATE and FOR SHARE lock rows; leave them out')
}

const analyzes = ({ fields }: Node): boolean =>
  listOf(fields.options).some((option) => {
    const { defname, arg } = nodeOf(option)?.fields ?? {}
    if (String(defname).toLowerCase() !== 'analyze') return false
    const off = JSON.stringify(arg ?? null).match(/"(?:false|off|0)"|"boolval":false|"ival":0/i)
    return arg === undefined || !off
  })

/** `CREATE FUNCTION` for `CreateFunctionStmt`. */
export const nameOfType = ({ type }: Node): string =>
  type
    .replace(/Stmt$/, '')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toUpperCase()

/** @throws {DeedError} `invalid_request` where values are missing, or left over */
export function refuseOtherCount(
  { params: used }: Pick<Statement, 'params'>,
  params: readonly Json[],
  what: string,
  path?: string,
): void {
  if (used === params.length) return
  const has = `params has ${counted(params.length, 'value')}`
  const message =
    used > params.length
      ? `the ${what} uses $${used}, and ${has}; give each $n its value`
      : `the ${what} uses ${used === 0 ? 'no $n' : `$1 to $${used}`}, and ${has}; leave out what is not used`
  throw new DeedError('invalid_request', message, { path })
}

/** SQLSTATEs. */
const READ_ONLY_VIOLATION = '25006'
const NOT_SUPPORTED = '0A000'
const NO_CURSOR_FOR_IT = '42P11'
const NOT_PERMITTED = '42501'
const CANCELED = '57014'

export function refusal(error: unknown, timeoutMs = STATEMENT_MS_MAX): unknown {
  if (!(error instanceof Error) || error instanceof DeedError) return error
  const { message } = error
  const code = sqlstateOf(error)
  const facts = { cause: error, details: { sqlstate: code ?? 'lost' } }
  if (code === CANCELED) return new DeedError('limit_exceeded', `the query took longer than ${timeoutMs} ms`, facts)
  if (isTransient(code)) return new DeedError('unavailable', `the database could not be asked: ${message}`, facts)
  if ([READ_ONLY_VIOLATION, NOT_SUPPORTED, NO_CURSOR_FOR_IT, NOT_PERMITTED].includes(code!))
    return new DeedError('not_read_only', `the database refuses the query: ${message}`, facts)
  return new DeedError('invalid_request', `the database refuses the query: ${message}`, facts)
}
