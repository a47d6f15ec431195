// A real PostgreSQL, killed as it happens on a laptop: the server, its parent, and with a reused pid.
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { holdServer } from './held-server.ts'
import { type EmbeddedPostgres, startPostgres } from './postgres.ts'
import { SHARED_DIR } from './postgres-binaries.ts'
import { identify } from './process-identity.ts'
import { temporaryFolder } from './temporary-folder.ts'

const NOBODY_ID = 65_534
const PATIENCE = { timeout: 60_000, interval: 50 }
const asRoot = process.getuid?.() === 0
const notRoot = asRoot ? '' : ' (SKIPPED: only root can become another user)'
const onLinux = process.platform === 'linux'
const notLinux = onLinux ? '' : ' (SKIPPED: only Linux gives out a chosen pid)'

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<unknown[]>({ text, rowMode: 'array' })).rows[0] ?? []
  } finally {
    await client.end()
  }
}

const keep = (url: string) => query(url, "CREATE TABLE kept AS SELECT 'before the kill' AS text")
const kept = (url: string) => query(url, 'SELECT text FROM kept')

describe('the embedded PostgreSQL', () => {
  const opened = new AsyncDisposableStack()
  let dataDir: string
  let postgres: EmbeddedPostgres
  beforeAll(async () => {
    dataDir = opened.use(temporaryFolder()).path
    postgres = opened.use(await startPostgres({ dataDir }))
  })
  afterAll(() => opened.disposeAsync())

  it('has a commit on disk before it answers, and listens on the loopback address only', async () => {
    const setting = async (name: string) => (await query(postgres.url, `SHOW ${name}`))[0]
    expect(await setting('fsync')).toBe('on')
    expect(await setting('synchronous_commit')).toBe('on')
    expect(await setting('full_page_writes')).toBe('on')
    expect(await setting('data_checksums')).toBe('on')
    expect(await setting('data_sync_retry')).toBe('off')
    expect(await setting('idle_in_transaction_session_timeout')).toBe('15s')
    expect(await setting('lock_timeout')).toBe('5s')
    expect(await setting('listen_addresses')).toBe('127.0.0.1')
    expect(await setting('unix_socket_directories')).toBe('')
    expect(await setting('server_encoding')).toBe('UTF8')
    expect(await query(postgres.url, 'SELECT datcollate FROM pg_database')).toEqual(['C'])
    expect(await setting('timezone')).toBe('UTC')
  })

  it('skips fsync if its databases end with the tests', async () => {
    const shared = process.env.DEED_TEST_DATABASE_URL
    if (shared === undefined) throw new Error('run the test through vitest')
    expect(await query(shared, 'SHOW fsync')).toEqual(['off'])
    expect(await query(shared, 'SHOW synchronous_commit')).toEqual(['on'])
  })

  it('hides its secrets from other users, and refuses clients without the password', async () => {
    for (const file of readdirSync(dataDir).filter((name) => /password|log|cluster/.test(name))) {
      expect(statSync(join(dataDir, file)).mode & 0o077).toBe(0)
    }
    const guess = new URL(postgres.url)
    guess.password = 'guessed'
    await expect(query(guess.href, 'SELECT 1')).rejects.toThrow(/password authentication failed/)
  })

  it('returns at the same address with its data after SIGKILL', async () => {
    const { url, pid } = postgres
    await keep(url)
    await postgres.kill()
    expect(identify(pid)).toBeUndefined()
    await postgres.start()
    expect(postgres.url).toBe(url)
    expect(await kept(url)).toEqual(['before the kill'])
  })

  it('shares its folder with no other living process', async () => {
    await expect(startPostgres({ dataDir })).rejects.toThrow(/in use by process/)
    expect(await query(postgres.url, 'SELECT 1')).toEqual([1])
  })

  it('reports why it did not start', async () => {
    await postgres.kill()
    writeFileSync(join(dataDir, 'cluster', 'postgresql.conf'), 'no_such_setting = 1\n', { flag: 'a' })
    await expect(postgres.start()).rejects.toThrow(/postgres did not start\n[\s\S]*no_such_setting/)
  })
})

describe('an embedded PostgreSQL on a folder of its own', () => {
  it('is restarted when it dies, also while sessions are busy, if it is supervised', async () => {
    using folder = temporaryFolder()
    const logged: string[] = []
    const tell = (_facts: object, sentence: string) => void logged.push(sentence)
    await using postgres = await startPostgres({
      dataDir: folder.path,
      supervise: true,
      log: { info: tell, warn: tell },
    })
    await keep(postgres.url)
    const busy = query(postgres.url, 'SELECT pg_sleep(3)').catch(() => undefined)
    const sessions = "SELECT count(*)::int FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
    await expect.poll(() => query(postgres.url, sessions), PATIENCE).toEqual([1])
    process.kill(postgres.pid, 'SIGKILL')
    await expect.poll(() => logged, PATIENCE).toEqual(['server died', 'server restarted'])
    expect(await kept(postgres.url)).toEqual(['before the kill'])
    await busy
  })

  it('is found and replaced after its parent was killed', async () => {
    using folder = temporaryFolder()
    using held = await holdServer('startPostgres', folder.path)
    await keep(held.url)
    held.parent.kill('SIGKILL')
    await once(held.parent, 'exit')
    expect(identify(held.serverPid)).toBeDefined()
    await using postgres = await startPostgres({ dataDir: folder.path })
    expect(identify(held.serverPid)).toBeUndefined()
    expect(postgres.url).toBe(held.url)
    expect(await kept(postgres.url)).toEqual(['before the kill'])
  })

  it('starts after parent and server were killed together', async () => {
    using folder = temporaryFolder()
    using held = await holdServer('startPostgres', folder.path)
    await keep(held.url)
    held.parent.kill('SIGKILL')
    process.kill(held.serverPid, 'SIGKILL')
    await once(held.parent, 'exit')
    await using postgres = await startPostgres({ dataDir: folder.path })
    expect(await kept(postgres.url)).toEqual(['before the kill'])
  })

  it.runIf(onLinux)(`starts although its old pid belongs to another process${notLinux}`, async () => {
    using folder = temporaryFolder()
    const first = await startPostgres({ dataDir: folder.path })
    await keep(first.url)
    const lock = join(folder.path, 'cluster', 'postmaster.pid')
    const { pid } = first
    const left = readFileSync(lock, 'utf8')
    await first[Symbol.asyncDispose]()
    // This process plays the other one.
    writeFileSync(lock, left.replace(String(pid), String(process.pid)))
    await using second = await startPostgres({ dataDir: folder.path })
    expect(await kept(second.url)).toEqual(['before the kill'])
  })

  it('creates a new cluster if the first attempt was interrupted', async () => {
    using folder = temporaryFolder()
    mkdirSync(join(folder.path, 'cluster.draft'))
    writeFileSync(join(folder.path, 'cluster.draft', 'PG_VERSION'), '18')
    await using postgres = await startPostgres({ dataDir: folder.path })
    expect(await query(postgres.url, 'SELECT 1')).toEqual([1])
    expect(existsSync(join(folder.path, 'cluster.draft'))).toBe(false)
  })

  it.runIf(asRoot)(`runs for an ordinary user${notRoot}`, async () => {
    using folder = temporaryFolder()
    chownSync(folder.path, NOBODY_ID, NOBODY_ID)
    using held = await holdServer('startPostgres', join(folder.path, 'postgres'), NOBODY_ID)
    expect(await query(held.url, 'SELECT 1')).toEqual([1])
    held.parent.kill('SIGTERM')
    await once(held.parent, 'exit')
    expect(identify(held.serverPid)).toBeUndefined()
  })

  it.runIf(asRoot)(`runs for root in a folder that is closed to others${notRoot}`, async () => {
    using folder = temporaryFolder()
    chmodSync(folder.path, 0o700)
    const dataDir = join(folder.path, 'postgres')
    await using first = await startPostgres({ dataDir })
    const cluster = join(SHARED_DIR, JSON.parse(readFileSync(join(dataDir, 'cluster-name.json'), 'utf8')) as string)
    try {
      await keep(first.url)
      await first[Symbol.asyncDispose]()
      await using second = await startPostgres({ dataDir })
      expect(await kept(second.url)).toEqual(['before the kill'])
      expect(statSync(cluster).mode & 0o077).toBe(0)
    } finally {
      rmSync(cluster, { recursive: true })
    }
  })
})
