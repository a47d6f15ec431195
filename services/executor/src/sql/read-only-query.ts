/**
 * One statement that only reads, several fences deep: it is the query of a cursor, which takes a SELECT and nothing else,
 * sent by the extended protocol, which takes one statement and nothing behind it, in a read-only transaction, with a
 * time limit, and without the functions that read files, run programs or signal others.
 */
import { canonicalJson, sha256 } from '@deed/mesh/canonical-json'
import { DeedError } from '@deed/proto/errors'
import type { Json } from '@deed/proto/json'
import type { ClientBase, QueryConfig, QueryResult } from 'pg'
import { STATEMENT_MS_MAX } from './databases.ts'

export const ROWS_MAX = 10_000

export interface Rows {
  readonly columns: string[]
  readonly rows: Record<string, Json>[]
  /** Of the rows' canonical JSON, in an order of its own: without ORDER BY rows have none. */
  readonly sha256: string
}

/** @throws {DeedError} `not_read_only`, `limit_exceeded`, `invalid_request` */
export async function readRows(client: ClientBase, query: string, params: readonly Json[]): Promise<Rows> {
  refuseNotReading(query)
  try {
    await client.query('BEGIN READ ONLY')
    await client.query(`SET LOCAL statement_timeout = ${STATEMENT_MS_MAX}`)
    return await fetchRows(client, query, params)
  } catch (error) {
    throw refusal(error)
  } finally {
    // On a connection that is lost nothing is left to roll back.
    await client.query('ROLLBACK').catch(() => undefined)
  }
}

/** Reads in the transaction that is open, which should be read-only. */
export async function fetchRows(client: ClientBase, query: string, params: readonly Json[]): Promise<Rows> {
  refuseNotReading(query)
  await client.query(oneStatement(`DECLARE reading NO SCROLL CURSOR FOR ${query}`, params))
  const result: QueryResult<Record<string, Json>> = await client.query(`FETCH ${ROWS_MAX + 1} FROM reading`)
  await client.query('CLOSE reading')
  if (result.rows.length > ROWS_MAX) throw new DeedError('limit_exceeded', `more than ${ROWS_MAX} rows; ask for fewer`)
  return {
    columns: result.fields.map(({ name }) => name),
    rows: result.rows,
    sha256: sha256(result.rows.map(canonicalJson).sort().join('\n')),
  }
}

/** By the extended protocol also without parameters: it takes one statement, where the simple one takes many. */
export function oneStatement(text: string, params: readonly Json[]): QueryConfig & { queryMode: 'extended' } {
  return { text, values: [...params], queryMode: 'extended' }
}

/** Functions that reach outside the tables; also where a string only mentions one, since a false refusal harms nothing. */
const REACHING = new RegExp(
  `\\b(?:${[
    'pg_read_\\w+',
    'pg_ls_\\w+',
    'pg_stat_file',
    'pg_file_\\w+',
    'lo_\\w+',
    'loread|lowrite',
    'dblink\\w*',
    'pg_terminate_backend|pg_cancel_backend|pg_signal_\\w+',
    'pg_reload_conf|pg_rotate_logfile\\w*|pg_promote|pg_switch_wal|pg_backup_\\w+',
    'pg_(?:try_)?advisory_\\w+',
    'pg_notify',
    'pg_logical_\\w+|pg_create_\\w+|pg_drop_\\w+|pg_replication_\\w+|pg_copy_\\w+|pg_sync_\\w+',
    // They leave something behind, though the transaction is read-only.
    'pg_stat_reset\\w*|pg_stat_force_next_flush|pg_log_\\w+|pg_wal_replay_\\w+|pg_export_snapshot|pg_import_\\w+',
    'pg_clear_\\w+|pg_restore_\\w+|pg_nextoid|pg_stop_making_pinned_objects|binary_upgrade_\\w+|pg_extension_config_dump',
    'brin_\\w*(?:summarize)\\w*|gin_clean_pending_list',
    'pg_hba_file_rules|pg_ident_file_mappings|pg_show_all_file_settings|pg_current_logfile|pg_wal_summary_contents',
    'set_config',
    // They run a text as a query.
    'ts_stat|ts_rewrite',
    'query_to_xml\\w*|cursor_to_xml\\w*|database_to_xml\\w*|schema_to_xml\\w*|table_to_xml\\w*',
  ].join('|')})\\b|\\bu&"`,
  'i',
)

/** They change a sequence, and no rollback takes that back. */
const COUNTING = /\b(?:nextval|setval)\b/i

/** The first function of a statement that reaches outside the tables. */
export const reachingFunction = (statement: string): string | undefined => REACHING.exec(statement)?.[0]

/** Without the comments and parentheses that it begins with. */
export const bareStatement = (statement: string): string => statement.replace(/^(?:\s|--[^\n]*\n|\/\*.*?\*\/|\()*/s, '')

/** @throws {DeedError} `not_read_only`, by the text alone */
export function refuseNotReading(query: string): void {
  if (!/^(?:select|with|values|table)\b/i.test(bareStatement(query)))
    throw new DeedError('not_read_only', 'the query must be one SELECT; other statements are not read-only')
  const name = reachingFunction(query) ?? COUNTING.exec(query)?.[0]
  if (name !== undefined) throw new DeedError('not_read_only', `${name} is not allowed in a query that only reads`)
}

/** SQLSTATEs. */
const READ_ONLY_VIOLATION = '25006'
const NOT_SUPPORTED = '0A000'
const NO_CURSOR_FOR_IT = '42P11'
const NOT_PERMITTED = '42501'
const CANCELED = '57014'
const SYNTAX = '42601'

export function refusal(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof DeedError) return error
  const { message } = error
  const code = 'code' in error ? String(error.code) : 'lost'
  const facts = { cause: error, details: { sqlstate: code } }
  if (code === CANCELED)
    return new DeedError('limit_exceeded', `the query took longer than ${STATEMENT_MS_MAX} ms`, facts)
  const notOneReading = code === SYNTAX && /multiple commands|INTO is not allowed/.test(message)
  if (notOneReading || [READ_ONLY_VIOLATION, NOT_SUPPORTED, NO_CURSOR_FOR_IT, NOT_PERMITTED].includes(code))
    return new DeedError('not_read_only', `the database refuses the query: ${message}`, facts)
  // Connection trouble, or a server that is busy or restarting, may pass.
  if (/^(?:08|53|57P)/.test(code) || !/^[0-9A-Z]{5}$/.test(code))
    return new DeedError('unavailable', `the database could not be asked: ${message}`, facts)
  return new DeedError('invalid_request', `the database refuses the query: ${message}`, facts)
}
