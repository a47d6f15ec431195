/** A database for one test, on the real server of the test run. */
import { createHash, randomUUID } from 'node:crypto'
import { createLogger } from '@deed/telemetry/logger'
import type { Migration } from 'kysely/migration'
import { Pool, type PoolClient } from 'pg'
import { openDatabase, openStore, type Store } from './database.ts'

export interface TestDatabase<Schema> extends Store<Schema> {
  /** The superuser's URL. */
  readonly url: string
}

type Migrations = Record<string, Migration>

const log = createLogger('test')
let administration: Pool | undefined

/** Contains the schema and its migrations only. Disposing drops it. */
export async function testDatabase<Schema>(schema: string, migrations: Migrations): Promise<TestDatabase<Schema>> {
  const template = await templateFor(schema, migrations)
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await administrator().query(`create database ${name} template ${template}`)
  const url = urlOf(name)
  const store = openStore<Schema>({ url, schema, log })
  return {
    ...store,
    url,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      await administrator().query(`drop database ${name} with (force)`)
    },
  }
}

/** A template database with all migrations; copying it costs a fraction of running them again. */
async function templateFor(schema: string, migrations: Migrations): Promise<string> {
  const steps = Object.entries(migrations).map(([name, { up }]) => [name, String(up)])
  const template = `template_${createHash('sha256')
    .update(JSON.stringify([schema, steps]))
    .digest('hex')
    .slice(0, 32)}`
  if (await exists(administrator(), template)) return template
  const client = await administrator().connect()
  try {
    // Test files run in parallel: the first one creates it, the others wait.
    await client.query('select pg_advisory_lock(hashtext($1))', [template])
    if (await exists(client, template)) return template
    // Renamed only when it is complete.
    await client.query(`drop database if exists ${template}_draft with (force)`)
    await client.query(`create database ${template}_draft`)
    const store = await openDatabase({ url: urlOf(`${template}_draft`), schema, migrations, log })
    await store[Symbol.asyncDispose]()
    await client.query(`alter database ${template}_draft rename to ${template}`)
    return template
  } finally {
    // Ends the session, which releases the lock.
    client.release(true)
  }
}

async function exists(client: Pool | PoolClient, database: string): Promise<boolean> {
  return (await client.query('select from pg_database where datname = $1', [database])).rowCount === 1
}

/** One connection for all tests of a process; it does not keep the process alive. */
function administrator(): Pool {
  if (administration) return administration
  administration = new Pool({ connectionString: serverUrl(), max: 1, allowExitOnIdle: true })
  // It may briefly outlive the server.
  administration.on('error', () => undefined)
  return administration
}

function urlOf(database: string): string {
  const url = new URL(serverUrl())
  url.pathname = `/${database}`
  return url.href
}

function serverUrl(): string {
  const server = process.env.DEED_TEST_DATABASE_URL
  if (server === undefined) throw new Error('DEED_TEST_DATABASE_URL is not set; run the test through vitest')
  return server
}
