/**
 * One statement that changes data, in one transaction with the query that proves it: the two hold together, or nothing
 * was changed.
 *
 * The transaction holds a lock that is named after its action, so whoever wants to know what became of it waits until
 * the server has ended it, even when the process that began it is dead.
 */
import { DeedError } from '@deed/proto/errors'
import type { Json } from '@deed/proto/json'
import type { ClientBase, QueryResult } from 'pg'
import type { Seen } from '../seen.ts'
import { STATEMENT_MS_MAX } from './databases.ts'
import {
  bareStatement,
  fetchRows,
  oneStatement,
  ROWS_MAX,
  type Rows,
  reachingFunction,
  refusal,
} from './read-only-query.ts'

export interface Write {
  readonly statement: string
  readonly params: readonly Json[]
  /** Read before the commit, of what the statement has made. */
  readonly proof: { readonly query: string; readonly params: readonly Json[] }
  judge(rows: Rows): Seen
  /** Of the statement, in milliseconds. */
  readonly timeoutMs: number
  /** The action's name in the database. */
  readonly lock: string
  /** Called when all is done but the commit; throwing here leaves everything as it was. */
  beforeCommit(): void
  /** Called when it is certain that nothing was changed. */
  nothingDone(): void
}

export interface Written {
  /** As the server names it: `INSERT`. */
  readonly command: string
  readonly rowCount: number
  /** Of a RETURNING clause. */
  readonly returned: Record<string, Json>[]
  /** What the proof read. */
  readonly rows: Rows
}

/**
 * @throws {DeedError} `verification_failed` when the proof fails inside the transaction, `effect_failed` where the
 *   database refuses; nothing was changed then. `unavailable` too where nobody knows
 */
export async function writeStatement(client: ClientBase, write: Write): Promise<Written> {
  let committing = false
  try {
    await client.query('BEGIN READ WRITE')
    await client.query(`SET LOCAL statement_timeout = ${write.timeoutMs}`)
    // An executor that is frozen in here must not hold its locks for ever.
    await client.query(`SET LOCAL idle_in_transaction_session_timeout = ${IDLE_MS_MAX}`)
    await client.query(oneStatement(TAKE_LOCK, [write.lock]))
    const result: QueryResult<Record<string, Json>> = await client.query(oneStatement(write.statement, write.params))
    if (result.rows.length > ROWS_MAX)
      throw new DeedError('limit_exceeded', `it returns more than ${ROWS_MAX} rows; return fewer`)
    await client.query('SET TRANSACTION READ ONLY')
    await client.query(`SET LOCAL statement_timeout = ${STATEMENT_MS_MAX}`)
    const rows = await fetchRows(client, write.proof.query, write.proof.params)
    const seen = write.judge(rows)
    if (seen.outcome !== 'verified')
      throw new DeedError('verification_failed', `not committed, since it would not hold: ${seen.observed}`)
    write.beforeCommit()
    committing = true
    await client.query('COMMIT')
    return { command: result.command, rowCount: result.rowCount ?? 0, returned: result.rows, rows }
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    // A commit that the server has refused is known to have done nothing; one without an answer is not.
    if (!committing || isRefusal(error)) write.nothingDone()
    throw refusedWrite(error)
  }
}

/** Reads when the transaction of the lock's name has ended, whichever way. */
export async function readSettled(
  client: ClientBase,
  lock: string,
  queries: readonly { query: string; params: readonly Json[] }[],
): Promise<Rows[]> {
  try {
    await client.query('BEGIN READ ONLY')
    await client.query(`SET LOCAL statement_timeout = ${STATEMENT_MS_MAX}`)
    await client.query(oneStatement(TAKE_LOCK, [lock]))
    const read: Rows[] = []
    for (const { query, params } of queries) read.push(await fetchRows(client, query, params))
    return read
  } catch (error) {
    throw refusal(error)
  } finally {
    await client.query('ROLLBACK').catch(() => undefined)
  }
}

const TAKE_LOCK = `SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0))`
const IDLE_MS_MAX = 15_000

const WRITING = /^(?:insert|update|delete|merge|with|truncate|create|alter|drop|comment|grant|revoke)\b/i
/** What runs programs, reaches other servers, or stands outside of transactions. */
const BEYOND =
  /^(?:create|alter|drop)\s+(?:or\s+replace\s+)?(?:trusted\s+|procedural\s+|event\s+)*(?:extension|language|server|foreign|user\s+mapping|subscription|function|procedure|routine|aggregate|operator|transform|trigger|system|database|tablespace|access)\b/i

/** @throws {DeedError} `invalid_request` for what is not one statement that changes data */
export function refuseNotWriting(statement: string, path: string): void {
  const bare = bareStatement(statement)
  if (!WRITING.test(bare))
    throw new DeedError(
      'invalid_request',
      'the statement must begin with INSERT, UPDATE, DELETE, MERGE, WITH, TRUNCATE, CREATE, ALTER, DROP, COMMENT, GRANT or REVOKE',
      { path },
    )
  const [beyond] = BEYOND.exec(bare) ?? []
  const name = beyond ?? reachingFunction(statement)
  if (name !== undefined) throw new DeedError('invalid_request', `${name} is not allowed in a statement`, { path })
}

/** Whether a statement may remove rows or tables. */
export const removes = (statement: string): boolean => /\b(?:delete|truncate|drop|revoke)\b/i.test(statement)

const isRefusal = (error: unknown) =>
  error instanceof Error &&
  'code' in error &&
  /^[0-9A-Z]{5}$/.test(String(error.code)) &&
  !/^08|^57P/.test(String(error.code))

function refusedWrite(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof DeedError) return error
  const code = 'code' in error ? String(error.code) : 'lost'
  const facts = { cause: error, details: { sqlstate: code } }
  if (code === '57014') return new DeedError('limit_exceeded', 'the statement took longer than it may', facts)
  // A deadlock, or a transaction that lost against another: the same may succeed at once.
  if (/^40/.test(code) || code === '55P03')
    return new DeedError('unavailable', `the database asks to try again: ${error.message}`, facts)
  if (/^(?:08|53|57P)/.test(code) || !/^[0-9A-Z]{5}$/.test(code))
    return new DeedError('unavailable', `the database could not be asked: ${error.message}`, facts)
  if (/^(?:42601|42P0|42703|42883)/.test(code))
    return new DeedError('invalid_request', `the database refuses the statement: ${error.message}`, facts)
  return new DeedError('effect_failed', `the database refuses the statement: ${error.message}`, facts)
}
