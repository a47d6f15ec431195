// NATS identities as files, with a real nats-server that includes the accounts.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ConfigError } from '@deed/config/config-error'
import { connectBus } from '@deed/mesh/bus'
import { connectNats } from '@deed/mesh/connection'
import { until } from '@deed/process/until'
import type { DeedError } from '@deed/proto/errors'
import { MESH_USERS } from '@deed/proto/permissions'
import { decomposeTask } from '@deed/proto/task'
import { createLogger } from '@deed/telemetry/logger'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  ACCOUNTS_FILE,
  createCredentials,
  credentialManifests,
  retireCredentials,
  rotateCredentials,
  seedFile,
} from './credentials.ts'
import { freePort } from './kept-port.ts'
import { installedBinary } from './nats.ts'
import { temporaryFolder } from './temporary-folder.ts'

const ANN = { name: 'ann', role: 'client', tenant: 'acme', user: 'ann' } as const

let folder: ReturnType<typeof temporaryFolder>
let keys: string
beforeEach(() => {
  folder = temporaryFolder()
  keys = join(folder.path, 'keys')
})
afterEach(() => folder[Symbol.dispose]())

const accounts = () => readFileSync(join(keys, ACCOUNTS_FILE), 'utf8')
const seeds = () => Object.fromEntries(readdirSync(keys).map((file) => [file, readFileSync(join(keys, file), 'utf8')]))

describe('credentials', () => {
  it('are a seed of its own for each user, which nobody else can read, and accounts without a secret', async () => {
    createCredentials(keys, [ANN])
    const made = Object.entries(seeds()).filter(([file]) => file.endsWith('.nk'))
    expect(made.map(([file]) => file).sort()).toEqual(
      [...MESH_USERS, 'system', 'client', 'approver', 'ann'].map((user) => `${user}.nk`).sort(),
    )
    expect(new Set(made.map(([, seed]) => seed)).size).toBe(made.length)
    for (const [file, seed] of made) {
      expect(seed).toMatch(/^SU[A-Z0-9]+\n$/)
      expect(statSync(join(keys, file)).mode & 0o077).toBe(0)
      expect(accounts()).not.toContain(seed.trim())
    }
    await promisify(execFile)(installedBinary(), ['-t', '--config', join(keys, ACCOUNTS_FILE)])
    expect(accounts()).toContain('"execution.request.acme.ann", accounts: ["ann"]')
  })

  it('stay as they are when they are made again, and a key that is missing is made', () => {
    createCredentials(keys, [ANN])
    const before = { seeds: seeds(), accounts: accounts() }
    expect(createCredentials(keys, []).created).toEqual([])
    expect({ seeds: seeds(), accounts: accounts() }).toEqual(before)
    expect(createCredentials(keys, [{ ...ANN, name: 'bob' }]).created).toEqual(['bob'])
  })

  it('are refused where there is no such user, or none at all', () => {
    expect(() => rotateCredentials(keys, [])).toThrow(/make them with deed credentials create/)
    createCredentials(keys, [])
    expect(() => rotateCredentials(keys, ['nobody'])).toThrow(/no user nobody .*; known: .*executor/)
    rotateCredentials(keys, ['executor'])
    expect(() => rotateCredentials(keys, ['executor'])).toThrow(/retire them first/)
  })

  it('become equal manifests each time, with seeds in Secrets alone', () => {
    createCredentials(keys, [ANN])
    const [config, ...secrets] = credentialManifests(keys, 'deed-nats-')
    expect(credentialManifests(keys, 'deed-nats-')).toEqual([config, ...secrets])
    expect(JSON.stringify(config)).not.toMatch(/"SU[A-Z0-9]{50}/)
    expect(secrets).toContainEqual(
      expect.objectContaining({
        kind: 'Secret',
        metadata: expect.objectContaining({ name: 'deed-nats-ann' }),
        stringData: { 'user.nk': readFileSync(seedFile(keys, 'ann'), 'utf8').trim() },
      }),
    )
  })
})

describe('a nats-server with the accounts of credentials', () => {
  let server: ChildProcess
  let url: string
  beforeEach(async () => {
    createCredentials(keys, [])
    const port = await freePort()
    url = `nats://127.0.0.1:${port}`
    const config = join(folder.path, 'nats.conf')
    writeFileSync(
      config,
      `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${folder.path}/js" }\ninclude ./keys/${ACCOUNTS_FILE}\n`,
    )
    server = spawn(installedBinary(), ['--config', config], { stdio: ['ignore', 'ignore', 'pipe'] })
  })
  afterEach(async () => {
    server.kill('SIGTERM')
    await once(server, 'exit')
  })

  const enter = (user: string) => connectBus({ service: user, url, nkeyFile: seedFile(keys, user) })
  /** The server reads its configuration again; it says so. */
  const reload = async (): Promise<void> => {
    let said = ''
    const hear = (text: Buffer): void => {
      said += text
    }
    server.stderr?.on('data', hear)
    server.kill('SIGHUP')
    await until(() => said.includes('Reloaded server configuration'), { what: 'the reload' })
    server.stderr?.off('data', hear)
  }

  it('lets each user do what the table of permissions says, and no more', async () => {
    await using server = await enter('task-decomposer')
    server.serve(decomposeTask, () => Promise.reject(new Error('asked')))
    await server.nc.flush()
    await using orchestrator = await enter('orchestrator')
    await expect(orchestrator.call(decomposeTask, { goal: 'x' })).rejects.toThrow('internal error')
    await using executor = await enter('executor')
    await expect(executor.call(decomposeTask, { goal: 'x' }, { timeoutMs: 500 })).rejects.toThrow()
  })

  it('replaces a key while requests are answered, and then refuses the old one', async () => {
    await using decomposer = await enter('task-decomposer')
    decomposer.serve(decomposeTask, () => Promise.reject(new Error('asked')))
    await decomposer.nc.flush()
    await using asker = await enter('orchestrator')
    let asked = 0
    let lost = 0
    let ended = false
    // A reload loses the answers that are under way (the server forgets whom a service may answer): they are asked for again.
    const ask = () =>
      asker.call(decomposeTask, { goal: 'x' }, { timeoutMs: 10_000 }).catch((error: DeedError) => error.code)
    const asking = (async () => {
      while (!ended) {
        const code = await ask()
        if (code === 'deadline_exceeded') lost++
        else expect(code).toBe('internal')
        asked++
      }
    })()
    const more = () => {
      const before = asked
      return until(() => asked > before + 20, { what: 'more answers' })
    }
    await more()
    const old = readFileSync(seedFile(keys, 'task-decomposer'))
    rotateCredentials(keys, ['task-decomposer', 'orchestrator'])
    await reload()
    await more()
    // Another process takes the new key while the one with the old key still works.
    await using second = await enter('task-decomposer')
    second.serve(decomposeTask, () => Promise.reject(new Error('asked')))
    await second.nc.flush()
    await more()
    await decomposer[Symbol.asyncDispose]()
    await using asker2 = await enter('orchestrator')
    await expect(asker2.call(decomposeTask, { goal: 'x' }, { timeoutMs: 60_000 })).rejects.toThrow('internal error')
    ended = true
    await asking
    // One is under way at a time, and there was one reload.
    expect(lost).toBeLessThanOrEqual(1)
    await asker[Symbol.asyncDispose]()
    expect(retireCredentials(keys, []).retired.sort()).toEqual(['orchestrator', 'task-decomposer'])
    await reload()
    await expect(asker2.call(decomposeTask, { goal: 'x' }, { timeoutMs: 60_000 })).rejects.toThrow('internal error')
    const file = join(folder.path, 'old.nk')
    writeFileSync(file, old)
    const log = createLogger('deed', 2)
    await expect(connectNats({ url, nkeyFile: file }, {}, log)).rejects.toThrow(
      /does not know the nkey of NATS_NKEY_FILE/,
    )
    await expect(connectNats({ url, nkeyFile: file }, {}, log)).rejects.toThrow(ConfigError)
  })
})
