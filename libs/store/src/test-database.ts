/** A database for one test, on the real server that the test run has started. */
import { createHash, randomUUID } from 'node:crypto'
import { createLogger } from '@deed/telemetry/logger'
import type { Migration } from 'kysely/migration'
import { Pool, type PoolClient } from 'pg'
import { openDatabase, openStore, type Store } from './database.ts'

export interface TestDatabase<Schema> extends Store<Schema> {
  /** Of the superuser. */
  readonly url: string
}

type Migrations = Record<string, Migration>

const log = createLogger('test')
let administration: Pool | undefined

/** Empty but for the schema and its migrations. Disposing drops it. */
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

/** A database that the migrations have been run on once; a copy of it costs a fraction of running them again. */
async function templateFor(schema: string, migrations: Migrations): Promise<string> {
  const steps = Object.entries(migrations).map(([name, { up }]) => [name, String(up)])
  const template = `template_${createHash('sha256')
    .update(JSON.stringify([schema, steps]))
    .digest('hex')
    .slice(0, 32)}`
  if (await exists(administrator(), template)) return template
  const client = await administrator().connect()
  try {
    // Test files run side by side: the first one makes it, the others wait.
    await client.query('select pg_advisory_lock(hashtext($1))', [template])
    if (await exists(client, template)) return template
    // Under its name only once it is whole.
    await client.query(`drop database if exists ${template}_draft with (force)`)
    await client.query(`create database ${template}_draft`)
    const store = await openDatabase({ url: urlOf(`${template}_draft`), schema, migrations, log })
    await store[Symbol.asyncDispose]()
    await client.query(`alter database ${template}_draft rename to ${template}`)
    return template
  } finally {
    // Ends the session, and with it the lock.
    client.release(true)
  }
}

async function exists(client: Pool | PoolClient, database: string): Promise<boolean> {
  return (await client.query('select from pg_database where datname = $1', [database])).rowCount === 1
}

/** One connection for all tests of a process; it keeps no process alive. */
function administrator(): Pool {
  if (administration) return administration
  administration = new Pool({ connectionString: serverUrl(), max: 1, allowExitOnIdle: true })
  // It may outlive the server by a moment.
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
