/** The databases that targets of type `sql` name: one kept connection pool for readings, fresh connections for checks. */
import type { ExecutionConfig } from '@deed/config/execution-config'
import type { Target } from '@deed/config/targets'
import { DeedError } from '@deed/proto/errors'
import { registerSecret } from '@deed/telemetry/redact'
import pg from 'pg'
import type { Databases } from '../kind/databases.ts'
import { targetOf } from '../kind/target-of.ts'
import { isTransient, sqlstateOf } from './sqlstates.ts'
import { exactTypes } from './values.ts'

export type SqlTarget = Extract<Target, { type: 'sql' }>

const POOL_MAX = 4
/** As long as for the tables of the mesh: a busy machine takes its time to begin a session. */
const CONNECT_MS_MAX = 10_000
const MEGABYTE = 1024 * 1024
/** Of all that is read on a connection in one use; what becomes of it takes several times as much memory. */
const RECEIVED_BYTES_MAX = 8 * MEGABYTE
export const STATEMENT_MS_MAX = 5_000

export function openDatabases(
  { targets }: Pick<ExecutionConfig, 'targets'>,
  env: Readonly<Record<string, string | undefined>>,
): Databases {
  const pools = new Map<string, pg.Pool>()
  const settings = (name: string): pg.ClientConfig => ({
    connectionString: urlOf(targets, env, name),
    application_name: 'deed-executor',
    connectionTimeoutMillis: CONNECT_MS_MAX,
    // A second fence, should a statement pass the first: what the session may do by default. And strings are read as
    // the parser here reads them, whatever the role or the database has set.
    options: `-c default_transaction_read_only=on -c statement_timeout=${STATEMENT_MS_MAX} -c timezone=UTC -c standard_conforming_strings=on`,
    types: exactTypes,
  })
  return {
    async pooled(name, work) {
      let pool = pools.get(name)
      if (!pool) {
        pool = new pg.Pool({ ...settings(name), max: POOL_MAX, idleTimeoutMillis: 30_000, allowExitOnIdle: true })
        // A connection that fails while idle is replaced at the next use.
        pool.on('error', () => undefined)
        // One that dies in use is noticed by its query.
        pool.on('connect', (client) => client.on('error', () => undefined))
        pools.set(name, pool)
      }
      const client = await pool.connect().catch((cause: unknown) => {
        throw unreachable(name, cause)
      })
      let broken = true
      try {
        const result = await boundedly(client, work)
        broken = false
        return result
      } catch (error) {
        broken = !(error instanceof DeedError)
        throw error
      } finally {
        if (broken) client.release(true)
        else giveBack(client)
      }
    },
    async fresh(name, work) {
      const client = new pg.Client(settings(name))
      client.on('error', () => undefined)
      try {
        await client.connect()
      } catch (cause) {
        throw unreachable(name, cause)
      }
      try {
        return await boundedly(client, work)
      } finally {
        await client.end().catch(() => undefined)
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...pools.values()].map((pool) => pool.end()))
    },
  }
}

/** Locks of the session, temporary tables, settings, prepared statements and listeners end; nobody waits for that. */
function giveBack(client: pg.PoolClient): void {
  client.query('DISCARD ALL').then(
    () => client.release(),
    () => client.release(true),
  )
}

/** Ends a connection that brings more than it may: a row is read whole before anybody sees how large it is. */
async function boundedly<T>(client: pg.Client, work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
  const { stream } = client.connection
  let received = 0
  const count = (chunk: Buffer): void => {
    received += chunk.length
    if (received <= RECEIVED_BYTES_MAX) return
    stream.destroy(
      new DeedError(
        'limit_exceeded',
        `the database answers with more than ${RECEIVED_BYTES_MAX / MEGABYTE} MB; ask for fewer rows, or for a part of long values, as in left(text, 1000)`,
      ),
    )
  }
  stream.on('data', count)
  try {
    return await work(client)
  } finally {
    stream.off('data', count)
  }
}

/** @throws {DeedError} `unknown_target` */
export const sqlTarget = (targets: ExecutionConfig['targets'], name: string): SqlTarget =>
  targetOf(targets, name, ['sql'], 'a database')

function urlOf(
  targets: ExecutionConfig['targets'],
  env: Readonly<Record<string, string | undefined>>,
  name: string,
): string {
  const { url_env } = sqlTarget(targets, name)
  const url = env[url_env]
  if (url === undefined || url === '')
    throw new DeedError('unavailable', `the environment variable ${url_env} of target ${name} is not set`)
  registerSecret(url)
  return url
}

const unreachable = (name: string, cause: unknown) =>
  new DeedError('unavailable', `${name} cannot be reached: ${cause instanceof Error ? cause.message : cause}`, {
    cause,
    // A wrong password or a database that is not there stays so.
    retryable: isTransient(sqlstateOf(cause)),
  })
