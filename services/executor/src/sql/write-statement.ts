/**
 * One statement that changes data, in one transaction with the query that proves it: the two hold together, or nothing
 * was changed.
 *
 * The transaction holds a lock that is named after its action, so a reader that needs its outcome waits until
 * the server has ended it, even when the process that began it is dead.
 */
import { DeedError } from '@deed/proto/errors'
import type { Json } from '@deed/proto/json'
import type { ClientBase } from 'pg'
import type { Seen } from '../kind/seen.ts'
import { judgeCalls } from './judge-calls.ts'
import type { Statement } from './parse-sql.ts'
import { fetchRows, oneStatement, type Reading, ROWS_MAX, type Rows, readOnly, rowsOf } from './read-only-query.ts'
import { isTransient, sqlstateOf } from './sqlstates.ts'

export interface Write {
  readonly text: string
  readonly statement: Statement
  readonly params: readonly Json[]
  /** Read before the commit, of what the statement has made. */
  readonly proof: Reading
  judge(rows: Rows): Seen
  /** What else must hold before the commit. @throws where it does not */
  check?(client: ClientBase, rowCount: number, rows: Rows): Promise<void>
  /** Of the statement, and of its proof, in milliseconds. */
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
    await judgeCalls(client, write.statement, { code: 'invalid_request', reads: false })
    const result = await client.query(oneStatement(write.text, write.params))
    if (result.rows.length > ROWS_MAX)
      throw new DeedError('limit_exceeded', `it returns more than ${ROWS_MAX} rows; return fewer`)
    await client.query('SET TRANSACTION READ ONLY')
    const rows = await fetchRows(client, write.proof)
    const seen = write.judge(rows)
    if (seen.outcome !== 'verified')
      throw new DeedError('verification_failed', `not committed, since it would not hold: ${seen.observed}`)
    await write.check?.(client, result.rowCount ?? 0, rows)
    write.beforeCommit()
    committing = true
    await client.query('COMMIT')
    return { command: result.command, rowCount: result.rowCount ?? 0, returned: rowsOf(result).rows, rows }
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    // A commit that the server has refused is known to have done nothing; one without an answer is not.
    if (!committing || isRefusal(error)) write.nothingDone()
    throw refusedWrite(error)
  }
}

/**
 * Reads when the transaction of the lock's name has ended, whichever way.
 *
 * @param timeoutMs of each statement; absent: what a query of somebody who waits for a plan may take
 * @throws {DeedError} as `refusal`
 */
export async function readAfterLock<T>(
  client: ClientBase,
  lock: string,
  work: () => Promise<T>,
  timeoutMs?: number,
): Promise<T> {
  const locked = async (): Promise<T> => {
    await client.query(oneStatement(TAKE_LOCK, [lock]))
    return work()
  }
  return readOnly(client, locked, timeoutMs)
}

const TAKE_LOCK = `SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0))`
const IDLE_MS_MAX = 15_000

/** Whether the server has answered the commit with an error; one that ends the connection may have come behind it. */
const isRefusal = (error: unknown): boolean => /^(?!08|57P)/.test(sqlstateOf(error) ?? '08')

/** @param path of the statement in the request */
export function refusedWrite(error: unknown, path?: string): unknown {
  if (!(error instanceof Error) || error instanceof DeedError) return error
  const code = sqlstateOf(error)
  const facts = { cause: error, details: { sqlstate: code ?? 'lost' }, path }
  if (code === '57014') return new DeedError('limit_exceeded', 'the statement took longer than it may', facts)
  // A deadlock, or a transaction that lost against another: the same may succeed at once.
  if (/^(?:40|55P03)/.test(code ?? ''))
    return new DeedError('unavailable', `the database asks to try again: ${error.message}`, facts)
  if (isTransient(code)) return new DeedError('unavailable', `the database could not be asked: ${error.message}`, facts)
  // A syntax error, a name that is not there, a value of another type.
  if (/^(?:42(?!501)|22)/.test(code!))
    return new DeedError('invalid_request', `the database refuses the statement: ${error.message}`, facts)
  return new DeedError('effect_failed', `the database refuses the statement: ${error.message}`, facts)
}
