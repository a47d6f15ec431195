/** A database for one test, on the real server that the test run has started. */
import { randomUUID } from 'node:crypto'
import { createLogger } from '@deed/telemetry/logger'
import type { Migration } from 'kysely/migration'
import { Client } from 'pg'
import { openDatabase, type Store } from './database.ts'

export interface TestDatabase<Schema> extends Store<Schema> {
  /** Of the superuser. */
  readonly url: string
}

/** Empty but for the schema and its migrations. Disposing drops it. */
export async function testDatabase<Schema>(
  schema: string,
  migrations: Record<string, Migration>,
): Promise<TestDatabase<Schema>> {
  const server = process.env.DEED_TEST_DATABASE_URL
  if (server === undefined) throw new Error('DEED_TEST_DATABASE_URL is not set; run the test through vitest')
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await asAdministrator(server, `create database ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  const store = await openDatabase<Schema>({ url: url.href, schema, migrations, log: createLogger('test') })
  return {
    ...store,
    url: url.href,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      await asAdministrator(server, `drop database ${name} with (force)`)
    },
  }
}

async function asAdministrator(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
