/** The demo's inventory: a database of its own, and a role that can only read it. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { DEMO_DIR } from './demo-plan.ts'

const NAME = 'deed_demo_inventory'
const READER = 'deed_demo_reader'

export interface DemoDatabase {
  /** As the role that can only read. */
  readonly url: string
  /** As the administrator: what is there, whatever Deed says. */
  readonly adminUrl: string
}

/** Creates it again on the server of `adminUrl`, from `inventory.sql`. */
export async function createDemoDatabase(adminUrl: string): Promise<DemoDatabase> {
  const password = randomBytes(24).toString('hex')
  await query(adminUrl, `drop database if exists ${NAME} with (force)`)
  await query(adminUrl, `create database ${NAME}`)
  await query(
    adminUrl,
    `do $$ begin if not exists (select from pg_roles where rolname = '${READER}') then create role ${READER}; end if; end $$;
     alter role ${READER} login password '${password}'`,
  )
  const url = new URL(adminUrl)
  url.pathname = `/${NAME}`
  const asAdmin = url.href
  url.username = READER
  url.password = password
  await query(
    asAdmin,
    `${readFileSync(join(DEMO_DIR, 'inventory.sql'), 'utf8')};\ngrant select on all tables in schema public to ${READER}`,
  )
  return { url: url.href, adminUrl: asAdmin }
}

/** @returns the column `value` of the first row */
export async function readValue({ adminUrl }: DemoDatabase, text: string): Promise<unknown> {
  const { rows } = await query(adminUrl, text)
  return (rows[0] as { value?: unknown } | undefined)?.value
}

async function query(url: string, text: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url })
  // A connection that dies fails the query as well.
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await client.query(text)
  } finally {
    await client.end()
  }
}
