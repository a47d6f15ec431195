/**
 * A service's own part of PostgreSQL: its schema, its migrations, its pool.
 *
 * Kysely for occasional queries; prepared statements for the hot path, where building a query would cost more than
 * running it.
 */
import { ConfigError } from '@deed/config/config-error'
import { laterSchemaFault } from '@deed/config/later-schema'
import { databaseFault } from '@deed/config/server-fault'
import { ASK_RESTORE, restoreAdvice } from '@deed/config/unfinished-restore'
import type { Log } from '@deed/telemetry/logger'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { Pool, type PoolClient } from 'pg'
import { z } from 'zod'
import { DatabaseAwayError, OverloadedError } from './errors.ts'
import { addressOf, inStatement } from './statement-span.ts'

const POOL_MAX = 6
/** The maximum number of statements that wait for a connection; more are rejected. */
const WAITING_MAX = 2_000
const IDLE_MS = 60_000
const CONNECT_MS_MAX = 10_000
/** SQLSTATE classes and codes after which the same statement may succeed: see `mayRetry`. */
const RETRYABLE = /^(08|53|40001|40P01|57P0[123]|55P03|25006)/
const RETRY_WAITS_MS = [10, 50, 200, 500, 1_000, 1_000, 2_000]

/**
 * A prepared statement keeps its first plan, which may have been made for empty tables. So plans are generic, and use
 * index scans with nested loops, which stay good when the tables grow.
 */
const PLANNING =
  '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off'

/** Spread into the schema of a service's environment. */
export const DatabaseEnvironment = {
  DATABASE_URL: z.url(),
  /**
   * The URL of the role that owns the tables, used for migrations only. If absent, the service's own role owns them.
   */
  DATABASE_OWNER_URL: z.url().optional(),
}

export interface Store<Schema> extends AsyncDisposable {
  readonly db: Kysely<Schema>
  readonly pool: Pool
  /**
   * One prepared statement in one round trip and one implicit transaction. It is retried with backoff after connection
   * failures and serialization conflicts, so it must be safe to run twice.
   *
   * @param name of this text, and of no other
   */
  query<Row extends object>(name: string, text: string, values: readonly unknown[]): Promise<Row[]>
}

export interface DatabaseOptions {
  url: string
  ownerUrl?: string | undefined
  /** The service's schema; created if it is missing. */
  schema: string
  migrations: Record<string, Migration>
  /** The tables are made for a backup that is being restored. */
  restoring?: boolean
  poolMax?: number
  log: Log
}

/**
 * Migrates the schema, then opens the pool. Replicas may start together: migrations run under an advisory lock.
 *
 * @throws {ConfigError} if waiting cannot help: the login is refused, a certificate does not fit, the tables are too old
 */
export async function openDatabase<Schema>(options: DatabaseOptions): Promise<Store<Schema>> {
  await migrateDatabase(options)
  return openStore(options)
}

/**
 * Brings the tables of the schema up to date. What has been done is not done again.
 *
 * @throws {ConfigError} as `openDatabase`
 */
export async function migrateDatabase(options: DatabaseOptions): Promise<void> {
  const url = options.ownerUrl ?? options.url
  try {
    await migrate(options)
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const fault = error instanceof ConfigError ? undefined : databaseFault(cause, url)
    throw fault === undefined
      ? error
      : new ConfigError(`${options.ownerUrl ? 'DATABASE_OWNER_URL' : 'DATABASE_URL'}: ${fault}`, { cause: error })
  }
}

/** A second pool on a migrated schema, for statements that must not queue behind others. */
export function openStore<Schema>(
  options: Omit<DatabaseOptions, 'migrations' | 'ownerUrl' | 'restoring'>,
): Store<Schema> {
  const { log } = options
  const pool = new Pool({
    connectionString: options.url,
    max: options.poolMax ?? POOL_MAX,
    idleTimeoutMillis: IDLE_MS,
    connectionTimeoutMillis: CONNECT_MS_MAX,
    keepAlive: true,
    application_name: `deed-${options.schema}`,
    options: `-c search_path=${options.schema} ${PLANNING}`,
  })
  // A connection that fails while idle is replaced at the next use.
  pool.on('error', (error) => log.warn({ reason: error.message }, 'connection to PostgreSQL lost'))
  outliveConnections(pool)
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) })
  const address = addressOf(options.url, options.schema)
  const texts = new Map<string, string>()
  return {
    db,
    pool,
    async query<Row extends object>(name: string, text: string, values: readonly unknown[]): Promise<Row[]> {
      // The client refuses this too, but only on a connection that has prepared the other one.
      if ((texts.get(name) ?? text) !== text) throw new Error(`two statements have the name ${name}`)
      texts.set(name, text)
      if (pool.waitingCount >= WAITING_MAX)
        throw new OverloadedError(`more than ${WAITING_MAX} statements wait for a connection`)
      return inStatement(name, address, () =>
        retried(log, async () => (await pool.query<Row>({ name, text, values: [...values] })).rows),
      )
    },
    async [Symbol.asyncDispose]() {
      await db.destroy()
    },
  }
}

/**
 * The pool listens only to the connections that are in it. One that dies between two statements of the code that has taken it
 * out would end the process, instead of failing the next statement.
 */
function outliveConnections(pool: Pool): void {
  pool.on('connect', (client) => client.on('error', () => undefined))
}

/** Whether the same statement may succeed if it is retried: after a lost connection, a conflict, a restart. */
export function mayRetry(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = 'code' in error ? String(error.code) : ''
  if (RETRYABLE.test(code)) return true
  if (['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'].includes(code)) return true
  return /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/.test(
    error.message,
  )
}

/**
 * Retries `work` with growing delays if `mayRetry` accepts its error.
 *
 * @throws {DatabaseAwayError} if every try fails with such an error
 */
export async function retried<T>(log: Log, work: () => Promise<T>, waitsMs = RETRY_WAITS_MS): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!mayRetry(error)) throw error
      const wait = waitsMs[attempt]
      if (wait === undefined) throw new DatabaseAwayError(error)
      if (attempt === 0) log.warn({ reason: error instanceof Error ? error.message : error }, 'retrying on PostgreSQL')
      await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random())))
    }
  }
}

/**
 * Runs `work` in one transaction on one connection, and retries it if `mayRetry` accepts the error. It must have no
 * side effects outside the database.
 */
export async function inTransaction<T>(
  store: { pool: Pool },
  log: Log,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  return retried(log, async () => {
    const client = await store.pool.connect()
    let broken: Error | undefined
    try {
      await client.query('BEGIN')
      const result = await work(client)
      await client.query('COMMIT')
      return result
    } catch (error) {
      broken = error instanceof Error && mayRetry(error) ? error : undefined
      if (!broken) await client.query('ROLLBACK').catch(() => undefined)
      throw error
    } finally {
      client.release(broken)
    }
  })
}

async function migrate({ url, ownerUrl, schema, migrations, restoring, log }: DatabaseOptions): Promise<void> {
  const pool = new Pool({
    connectionString: ownerUrl ?? url,
    // One holds the lock; the other reads which migrations have run.
    max: 2,
    connectionTimeoutMillis: CONNECT_MS_MAX,
    options: `-c search_path=${schema}`,
  })
  pool.on('error', () => undefined)
  outliveConnections(pool)
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  try {
    if (!restoring) await refuseUnfinishedRestore(db, log)
    const migrator = new Migrator({
      db,
      provider: {
        async getMigrations() {
          const applied = await appliedMigrations(db, schema)
          refuseOlderSet(applied, migrations, schema)
          const fault = laterSchemaFault(schema, applied, Object.keys(migrations))
          if (fault !== undefined && !restoring) throw new ConfigError(fault)
          return { ...laterMigrations(applied), ...migrations }
        },
      },
      migrationTableSchema: schema,
      // Migrations from parallel branches may have run out of order.
      allowUnorderedMigrations: true,
    })
    const { error, results = [] } = await retried(log, () => migrator.migrateToLatest())
    if (error instanceof ConfigError) throw error
    if (error) throw new Error(`the schema ${schema} cannot be migrated`, { cause: error })
    for (const { migrationName } of results) log.info({ migration: migrationName }, 'migration applied')
  } finally {
    await db.destroy()
  }
}

/** @throws {ConfigError} while tables hold a part of a backup */
async function refuseUnfinishedRestore(db: Kysely<unknown>, log: Log): Promise<void> {
  const { rows } = await retried(log, () => sql.raw<{ restore: string | null }>(ASK_RESTORE).execute(db))
  const restore = rows[0]?.restore
  if (restore) throw new ConfigError(restoreAdvice(restore))
}

/** Migrations that a later release has already run: it works next to this one while it takes over. */
const laterMigrations = (applied: readonly string[]): Record<string, Migration> =>
  Object.fromEntries(applied.map((name) => [name, { up: () => Promise.resolve() }]))

/** @throws {ConfigError} where the tables were made by migrations from before those that begin with the first of these */
function refuseOlderSet(applied: readonly string[], migrations: Record<string, Migration>, schema: string): void {
  const [first = ''] = Object.keys(migrations).sort()
  if (applied.length > 0 && !applied.includes(first))
    throw new ConfigError(
      `the tables of ${schema} were made by an earlier set of migrations (${applied[0]}), which this release cannot bring up to date; begin with an empty data folder or database, or run the release that made them`,
    )
}

async function appliedMigrations(db: Kysely<unknown>, schema: string): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(`${schema}.kysely_migration`)}`.execute(db)
  return rows.map(({ name }) => name)
}
