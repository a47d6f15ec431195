// A database that a later release has changed, under each service of this one: real servers, real processes.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabaseUrls, readDatabaseUrls } from './database-urls.ts'
import { type EmbeddedNats, startNats } from './nats.ts'
import { type EmbeddedPostgres, startPostgres } from './postgres.ts'
import { prepareServers } from './prepare.ts'
import { STORING, schemaOf } from './roles.ts'
import { schemaFaults } from './schema-faults.ts'
import { startService } from './service-process.ts'
import { temporaryFolder } from './temporary-folder.ts'

const opened = new AsyncDisposableStack()
const folder = opened.use(temporaryFolder())
const databaseUrls = join(folder.path, 'database')
const DROPPED = '901-drop-notes-needs-900'
let postgres: EmbeddedPostgres
let nats: EmbeddedNats

beforeAll(async () => {
  postgres = opened.use(await startPostgres({ dataDir: join(folder.path, 'postgres') }))
  nats = opened.use(await startNats({ dataDir: join(folder.path, 'nats') }))
  const server = new URL(postgres.url)
  server.username = ''
  server.password = ''
  createDatabaseUrls(databaseUrls, server.href)
  await prepareServers({
    adminUrl: postgres.url,
    databaseUrls,
    nats: { url: nats.url, user: 'bootstrap', password: nats.credentials('bootstrap').pass },
    tenants: ['local'],
    replicas: 1,
    progress: () => undefined,
  })
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  for (const service of STORING)
    await client.query(`insert into ${schemaOf(service)}.kysely_migration (name, timestamp)
      values ('900-widen', '2030-01-01T00:00:00Z'), ('${DROPPED}', '2030-01-02T00:00:00Z')`)
  await client.end()
})
afterAll(() => opened.disposeAsync())

const sentence = (schema: string): string =>
  `the tables of ${schema} are of a later release, which this one cannot work with (migration ${DROPPED}); start that release or a newer one, or put back a backup of this one with deed restore`

describe('tables of a later release', () => {
  it.each(STORING)('keep the %s of this one from starting, which says what to do in its log', async (service) => {
    const { services, owners } = readDatabaseUrls(databaseUrls)
    const starting = startService({
      service,
      supervise: false,
      logDir: join(folder.path, 'logs'),
      env: {
        NATS_URL: nats.url,
        NATS_USER: service,
        NATS_PASSWORD: nats.credentials(service).pass,
        DATABASE_URL: services[service],
        DATABASE_OWNER_URL: owners[service],
        DEED_DATA: join(folder.path, service),
      },
    })
    await expect(starting).rejects.toThrow(sentence(schemaOf(service)))
    expect(readFileSync(join(folder.path, 'logs', `${service}.log`), 'utf8')).toContain(sentence(schemaOf(service)))
  })

  it('are named by deed doctor for every service', async () => {
    expect(await schemaFaults(postgres.url)).toEqual(
      STORING.map((service) => ({ service, fault: sentence(schemaOf(service)) })),
    )
  })
})
