// Privileges in a real PostgreSQL: what the role of each service can do, and what is refused.

import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EmbeddedPostgres, startPostgres } from './postgres.ts'
import { createRoles, newRolePasswords, ownerOf, type RoleUrls, roleOf, STORING, schemaOf } from './roles.ts'
import { temporaryFolder } from './temporary-folder.ts'

const opened = new AsyncDisposableStack()
const passwords = newRolePasswords()
let postgres: EmbeddedPostgres
let urls: RoleUrls

beforeAll(async () => {
  const folder = opened.use(temporaryFolder())
  postgres = opened.use(await startPostgres({ dataDir: folder.path }))
  urls = await createRoles(postgres.url, passwords)
  for (const service of STORING) {
    await query(urls.owners[service], `CREATE TABLE ${schemaOf(service)}.things (id bigserial PRIMARY KEY, name text)`)
  }
  await query(urls.owners.orchestrator, 'CREATE VIEW orchestrator.dispatch AS SELECT id FROM orchestrator.things')
  await query(urls.owners.orchestrator, `GRANT SELECT ON orchestrator.dispatch TO ${roleOf('executor')}`)
})
afterAll(() => opened.disposeAsync())

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const result: pg.QueryArrayResult | pg.QueryArrayResult[] = await client.query({ text, rowMode: 'array' })
    // Several statements return one result each.
    return [result].flat().at(-1)?.rows[0] ?? []
  } finally {
    await client.end()
  }
}

describe('the role of a service', () => {
  it.each(STORING)(
    'lets %s work on its own tables, by their unqualified names, and not change or drop them',
    async (service) => {
      const url = urls.services[service]
      expect(await query(url, "INSERT INTO things (name) VALUES ('one') RETURNING name")).toEqual(['one'])
      expect(await query(url, "UPDATE things SET name = 'two' RETURNING name")).toEqual(['two'])
      expect(await query(url, 'DELETE FROM things RETURNING name')).toEqual(['two'])
      expect(await query(url, 'SHOW statement_timeout')).toEqual(['30s'])
      for (const forbidden of [
        'ALTER TABLE things ADD other text',
        'DROP TABLE things',
        'TRUNCATE things',
        'CREATE TABLE more ()',
      ]) {
        await expect(query(url, forbidden)).rejects.toThrow(/permission denied|must be owner/)
      }
    },
  )

  it.each(STORING)('denies %s, and the owner of its tables, the tables of every other service', async (service) => {
    for (const other of STORING.filter((name) => name !== service)) {
      for (const url of [urls.services[service], urls.owners[service]])
        await expect(query(url, `SELECT FROM ${schemaOf(other)}.things`)).rejects.toThrow(/permission denied/)
    }
  })

  it("lets the executor read the orchestrator's view that was granted to it, and no other service", async () => {
    expect(await query(urls.services.executor, 'SELECT count(*)::int FROM orchestrator.dispatch')).toEqual([0])
    for (const other of ['semantic-cache', 'template-optimizer', 'hybrid-agent'] as const) {
      await expect(query(urls.services[other], 'SELECT FROM orchestrator.dispatch')).rejects.toThrow(
        /permission denied/,
      )
    }
  })
})

describe('preparing a database', () => {
  it('is idempotent, and serialises concurrent runs', async () => {
    const again = await Promise.all([createRoles(postgres.url, passwords), createRoles(postgres.url, passwords)])
    expect(again).toEqual([urls, urls])
    expect(await query(urls.services.executor, 'SELECT 1')).toEqual([1])
  })

  it('gives tables of a common owner to the owner of each schema', async () => {
    await query(postgres.url, 'CREATE DATABASE earlier')
    const admin = new URL(postgres.url)
    admin.pathname = '/earlier'
    await query(admin.href, "CREATE ROLE deed_owner LOGIN PASSWORD 'old'")
    await query(admin.href, 'CREATE SCHEMA orchestrator AUTHORIZATION deed_owner')
    await query(
      admin.href,
      `SET ROLE deed_owner;
       CREATE TABLE orchestrator.things (id bigserial PRIMARY KEY, name text);
       CREATE TABLE orchestrator.parts (id bigint GENERATED ALWAYS AS IDENTITY) PARTITION BY RANGE (id);
       CREATE VIEW orchestrator.dispatch AS SELECT id FROM orchestrator.things;
       CREATE FUNCTION orchestrator.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
       INSERT INTO orchestrator.things (name) VALUES ('kept')`,
    )
    const { owners } = await createRoles(admin.href, passwords)
    expect(await query(owners.orchestrator, 'SELECT name FROM orchestrator.things')).toEqual(['kept'])
    for (const change of ['TABLE orchestrator.things ADD more text', 'FUNCTION orchestrator.refuse RENAME TO other'])
      await query(owners.orchestrator, `ALTER ${change}`)
    await query(owners.orchestrator, 'DROP VIEW orchestrator.dispatch; DROP TABLE orchestrator.parts')
    const left = `SELECT count(*)::int FROM pg_class WHERE relowner = 'deed_owner'::regrole`
    expect(await query(admin.href, left)).toEqual([0])
  })

  it('needs no superuser on a shared server', async () => {
    await query(postgres.url, 'CREATE DATABASE elsewhere')
    await query(postgres.url, "CREATE ROLE landlord LOGIN CREATEROLE PASSWORD 'rent'")
    await query(postgres.url, 'GRANT CREATE ON DATABASE elsewhere TO landlord')
    // The roles exist on this server already, so the landlord is granted what creating them would have given.
    for (const role of STORING.flatMap((service) => [roleOf(service), ownerOf(service)])) {
      await query(postgres.url, `GRANT ${role} TO landlord WITH ADMIN OPTION`)
    }
    const admin = new URL(postgres.url)
    admin.username = 'landlord'
    admin.password = 'rent'
    admin.pathname = '/elsewhere'
    const elsewhere = await createRoles(admin.href, passwords)
    await query(elsewhere.owners.executor, 'CREATE TABLE executor.things (id int)')
    expect(await query(elsewhere.services.executor, 'INSERT INTO things VALUES (1) RETURNING id')).toEqual([1])
  })
})
