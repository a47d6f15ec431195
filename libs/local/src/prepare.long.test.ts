// Servers for services that are deployed apart: a real PostgreSQL, a real nats-server, and services that may not migrate.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectBus } from '@deed/mesh/bus'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabaseUrls, databaseManifests, readDatabaseUrls } from './database-urls.ts'
import { type EmbeddedNats, startNats } from './nats.ts'
import { type EmbeddedPostgres, startPostgres } from './postgres.ts'
import { prepareServers } from './prepare.ts'
import { STORING } from './roles.ts'
import { startService } from './service-process.ts'
import { temporaryFolder } from './temporary-folder.ts'

const opened = new AsyncDisposableStack()
const folder = opened.use(temporaryFolder())
const databaseUrls = join(folder.path, 'database')
let postgres: EmbeddedPostgres
let nats: EmbeddedNats
beforeAll(async () => {
  postgres = opened.use(await startPostgres({ dataDir: join(folder.path, 'postgres') }))
  nats = opened.use(await startNats({ dataDir: join(folder.path, 'nats') }))
  const server = new URL(postgres.url)
  server.username = ''
  server.password = ''
  createDatabaseUrls(databaseUrls, server.href)
})
afterAll(() => opened.disposeAsync())

const addressAs = (user: 'bootstrap' | 'deed') => ({ url: nats.url, user, password: nats.credentials(user).pass })

async function prepare(adminUrl: string | undefined): Promise<string[]> {
  const steps: string[] = []
  const progress = (step: string): void => void steps.push(step)
  const tenants = ['local', 'acme']
  await prepareServers({ adminUrl, databaseUrls, nats: addressAs('bootstrap'), tenants, replicas: 1, progress })
  return steps
}

async function applied(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ name: string }>('select name from kysely_migration')
    return rows.map(({ name }) => name)
  } finally {
    await client.end()
  }
}

describe('deed prepare', () => {
  it('makes roles, tables and streams, and a service then starts with the URL of its role alone, read from a file', async () => {
    expect(await prepare(postgres.url)).toEqual([
      'the roles and schemas are there',
      ...STORING.map((service) => `the tables of ${service} are up to date`),
      'the streams of local, acme are there',
    ])
    const { services } = readDatabaseUrls(databaseUrls)
    const later: Partial<Record<string, string[]>> = {
      orchestrator: ['002-raised-budget', '003-held-counts'],
      'hybrid-agent': ['002-stages'],
      'semantic-cache': ['002-closings', '003-vectors'],
    }
    for (const service of STORING)
      expect(await applied(services[service])).toEqual(['001-schema', ...(later[service] ?? [])])
    await using bus = await connectBus({ service: 'deed', ...addressAs('deed') })
    const streams = await (await bus.nc.jetstreamManager()).streams.names().next()
    expect(streams).toEqual(expect.arrayContaining(['EXECUTION_INTAKE_local', 'EXECUTION_INTAKE_acme']))

    await using service = await startService({
      service: 'semantic-cache',
      supervise: false,
      logDir: join(folder.path, 'logs'),
      env: {
        NATS_URL: nats.url,
        NATS_USER: 'semantic-cache',
        NATS_PASSWORD: nats.credentials('semantic-cache').pass,
        DATABASE_URL_FILE: join(databaseUrls, 'semantic-cache.url'),
      },
    })
    expect(await service.stop()).toBe(0)
    const log = readFileSync(join(folder.path, 'logs/semantic-cache.log'), 'utf8')
    expect(log).toContain('"msg":"ready"')
    expect(log).not.toContain(new URL(services['semantic-cache']).password)
  })

  it('may run again, also without the right to make roles, and keeps the passwords', async () => {
    const before = readDatabaseUrls(databaseUrls)
    expect(createDatabaseUrls(databaseUrls, 'postgres://elsewhere/deed')).toEqual([])
    expect(readDatabaseUrls(databaseUrls)).toEqual(before)
    expect(await prepare(undefined)).not.toContain('the roles and schemas are there')
    expect(await prepare(postgres.url)).toContain('the roles and schemas are there')
    expect(await applied(before.services.executor)).toEqual(['001-schema'])
  })
})

describe('database URLs', () => {
  it('are files that nobody else can read, and become a Secret for each service', () => {
    const files = readdirSync(databaseUrls)
    expect(files).toHaveLength(2 * STORING.length + 2)
    for (const file of files) expect(statSync(join(databaseUrls, file)).mode & 0o077).toBe(0)
    const manifests = databaseManifests(databaseUrls, 'deed-database-')
    expect(manifests).toContainEqual(
      expect.objectContaining({
        metadata: expect.objectContaining({ name: 'deed-database-executor' }),
        stringData: {
          url: readFileSync(join(databaseUrls, 'executor.url'), 'utf8').trim(),
          'owner-url': readFileSync(join(databaseUrls, 'executor.owner-url'), 'utf8').trim(),
        },
      }),
    )
  })

  it('are refused with a sentence that names the file, or the URL', () => {
    using other = temporaryFolder()
    expect(() => createDatabaseUrls(other.path, 'postgres://me:secret@host/deed')).toThrow(/without a user/)
    createDatabaseUrls(other.path, 'postgres://host/deed')
    writeFileSync(join(other.path, 'executor.url'), 'postgres://deed_executor@host/deed')
    expect(() => readDatabaseUrls(other.path)).toThrow(/executor\.url must hold .* user deed_executor and a password/)
    expect(() => readDatabaseUrls(join(other.path, 'none'))).toThrow(
      /cannot be read; deed credentials create --database/,
    )
  })
})
