// A real nats-server, killed as it happens on a laptop: the server, its parent, and both.
import { once } from 'node:events'
import { chownSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { connect, type NatsConnection, StorageType } from 'nats'
import { describe, expect, it } from 'vitest'
import { holdServer } from './held-server.ts'
import { type EmbeddedNats, NATS_USERS, startNats } from './nats.ts'
import { identify } from './process-identity.ts'
import { statusBySystemAccount } from './server-status.ts'
import { temporaryFolder } from './temporary-folder.ts'

const NOBODY_ID = 65_534
const PATIENCE = { timeout: 60_000, interval: 20 }
const asRoot = process.getuid?.() === 0
const notRoot = asRoot ? '' : ' (SKIPPED: only root can become another user)'

function connected(nats: EmbeddedNats): Promise<NatsConnection> {
  return connect({ servers: nats.url, ...nats.credentials('deed'), maxReconnectAttempts: -1, reconnectTimeWait: 50 })
}

async function keepMessage(nats: EmbeddedNats, text: string): Promise<void> {
  const nc = await connected(nats)
  const jsm = await nc.jetstreamManager()
  await jsm.streams.add({ name: 'KEPT', subjects: ['kept.>'], storage: StorageType.File })
  await nc.jetstream().publish('kept.one', text)
  await nc.close()
}

async function keptMessage(nats: EmbeddedNats): Promise<string> {
  const nc = await connected(nats)
  const message = await (await nc.jetstreamManager()).streams.getMessage('KEPT', { last_by_subj: 'kept.one' })
  await nc.close()
  return message.string()
}

describe('the embedded nats-server', () => {
  it('has messages on disk before it acknowledges them', async () => {
    using folder = temporaryFolder()
    await using nats = await startNats({ dataDir: folder.path })
    const varz: unknown = await nats.status('varz')
    expect(varz).toMatchObject({
      server_name: nats.serverName,
      host: '127.0.0.1',
      max_payload: 1_048_576,
      jetstream: { config: { sync_always: true, strict: true, store_dir: expect.stringContaining(folder.path) } },
    })
  })

  it('refuses clients without a password', async () => {
    using folder = temporaryFolder()
    await using nats = await startNats({ dataDir: folder.path })
    await expect(connect({ servers: nats.url })).rejects.toThrow(/authorization/i)
    await expect(connect({ servers: nats.url, user: 'executor', pass: 'guessed' })).rejects.toThrow(/authorization/i)
  })

  it('has no monitoring port, and reports its status to the system account only', async () => {
    using folder = temporaryFolder()
    await using nats = await startNats({ dataDir: folder.path })
    expect(await nats.status('varz')).toMatchObject({ http_port: 0, https_port: 0 })
    for (const user of NATS_USERS) {
      const { pass } = nats.credentials(user)
      await expect(statusBySystemAccount(nats.url, { user, pass })('varz'), user).rejects.toThrow()
    }
    const nc = await connect({ servers: nats.url, ...nats.systemLogin })
    // The account can ask for the status and nothing else.
    await expect(nc.request(`$SYS.REQ.SERVER.${nc.info?.server_id}.RELOAD`, '')).rejects.toThrow(/permissions/i)
    await nc.close()
  })

  it('returns at the same address with its messages after SIGKILL, and clients reconnect', async () => {
    using folder = temporaryFolder()
    await using nats = await startNats({ dataDir: folder.path })
    await keepMessage(nats, 'before the kill')
    const { url, pid } = nats
    const nc = await connected(nats)
    await nats.kill()
    expect(nats.pid).toBe(0)
    expect(identify(pid)).toBeUndefined()
    await nats.start()
    expect(nats.url).toBe(url)
    expect(nats.pid).not.toBe(pid)
    await expect.poll(() => nc.rtt(), PATIENCE).toBeGreaterThan(0)
    await nc.close()
    expect(await keptMessage(nats)).toBe('before the kill')
  })

  it('is restarted when it dies, if it is supervised', async () => {
    using folder = temporaryFolder()
    const logged: string[] = []
    const tell = (_facts: object, sentence: string) => void logged.push(sentence)
    await using nats = await startNats({ dataDir: folder.path, supervise: true, log: { info: tell, warn: tell } })
    await keepMessage(nats, 'before the death')
    for (let deaths = 1; deaths <= 2; deaths++) {
      process.kill(nats.pid, 'SIGKILL')
      await expect
        .poll(() => logged.filter((sentence) => sentence === 'server restarted').length, PATIENCE)
        .toBe(deaths)
    }
    expect(await keptMessage(nats)).toBe('before the death')
  })

  it('stays down after an intended kill, supervised or not', async () => {
    using folder = temporaryFolder()
    const logged: string[] = []
    const tell = (_facts: object, sentence: string) => void logged.push(sentence)
    await using nats = await startNats({ dataDir: folder.path, supervise: true, log: { info: tell, warn: tell } })
    await nats.kill()
    expect(nats.pid).toBe(0)
    expect(logged).toEqual([])
    await nats.start()
    expect(nats.pid).not.toBe(0)
  })

  it('stays down when it is killed while it starts', async () => {
    using folder = temporaryFolder()
    await using nats = await startNats({ dataDir: folder.path, supervise: true })
    await nats.kill()
    const start = nats.start()
    await Promise.all([nats.kill(), expect(start).rejects.toThrow(/nats-server did not start/)])
    expect(nats.pid).toBe(0)
  })

  it('is found and replaced after its parent was killed', async () => {
    using folder = temporaryFolder()
    using held = await holdServer('startNats', folder.path)
    held.parent.kill('SIGKILL')
    await once(held.parent, 'exit')
    expect(identify(held.serverPid)).toBeDefined()
    await using nats = await startNats({ dataDir: folder.path })
    expect(identify(held.serverPid)).toBeUndefined()
    expect(nats.url).toBe(held.url)
  })

  it('shares its folder with no other living process', async () => {
    using folder = temporaryFolder()
    await using nats = await startNats({ dataDir: folder.path })
    await expect(startNats({ dataDir: folder.path })).rejects.toThrow(/in use by process/)
    expect(await nats.status('healthz')).toMatchObject({ status: 'ok' })
  })

  it('leaves no process behind when it is disposed', async () => {
    using folder = temporaryFolder()
    const nats = await startNats({ dataDir: folder.path, supervise: true })
    const { pid } = nats
    await nats[Symbol.asyncDispose]()
    expect(identify(pid)).toBeUndefined()
  })

  it('uses another port, and logs it, if its own is taken', async () => {
    using folder = temporaryFolder()
    const first = await startNats({ dataDir: folder.path })
    const { url } = first
    await first[Symbol.asyncDispose]()
    const stranger = createServer().listen(Number(new URL(url).port), '127.0.0.1')
    await once(stranger, 'listening')
    try {
      await using second = await startNats({ dataDir: folder.path })
      expect(second.url).not.toBe(url)
    } finally {
      stranger.close()
    }
  })

  it('reports a missing server binary', async () => {
    using folder = temporaryFolder()
    await expect(startNats({ dataDir: folder.path, binary: '/nowhere/nats-server' })).rejects.toThrow(
      /nats-server could not be started: \/nowhere\/nats-server/,
    )
  })

  it.runIf(asRoot)(`runs for an ordinary user${notRoot}`, async () => {
    using folder = temporaryFolder()
    chownSync(folder.path, NOBODY_ID, NOBODY_ID)
    using held = await holdServer('startNats', join(folder.path, 'nats'), NOBODY_ID)
    held.parent.kill('SIGTERM')
    await once(held.parent, 'exit')
    expect(identify(held.serverPid)).toBeUndefined()
  })
})
