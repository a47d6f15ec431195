// What `deed doctor` advises is done here, word for word, on servers as a system has them; then it must be content.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DeedProcess, startDeed } from '@deed/drill/harness/deed-process'
import { freePort } from '@deed/local/kept-port'
import { installedBinary, NATS_USERS } from '@deed/local/nats'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { connectBus } from '@deed/mesh/bus'
import { until } from '@deed/process/until'
import type { Check } from '@deed/proto/doctor'
import { requestExecution } from '@deed/proto/execution'
import { passwordVariable } from '@deed/proto/permissions'
import { Client } from 'pg'
import { describe, expect, it } from 'vitest'

const START_MS_MAX = 120_000
const PASSWORD = 'of-the-test'
/** PostgreSQL does not run as root. */
const USER = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

const postgres = installedPostgres()
const skipped = postgres ? '' : ' (SKIPPED: there is no PostgreSQL 15 or newer in /usr/lib/postgresql)'

function runs(folder: string): boolean {
  return ['postgres', 'initdb', 'pg_checksums'].every(
    (name) => spawnSync(join(folder, name), ['--version']).status === 0,
  )
}

/** @returns the folder of its programs, where the distribution has put them */
function installedPostgres(): string | undefined {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return undefined
  const versions = readdirSync(root).map(Number)
  const found = versions.filter((version) => version >= 15 && runs(`${root}/${version}/bin`))
  return found.length === 0 ? undefined : `${root}/${Math.max(...found)}/bin`
}

interface Place extends AsyncDisposable {
  readonly folder: string
  deed(env: Record<string, string>, ...args: string[]): DeedProcess
  /** `deed up`, until it is ready. Disposing ends it. */
  up(env: Record<string, string>): Promise<AsyncDisposable>
  check(env: Record<string, string>, name: string): Promise<Check | undefined>
}

function newPlace(): Place {
  const opened = new AsyncDisposableStack()
  const { path: folder } = opened.use(temporaryFolder())
  // The user of PostgreSQL passes through.
  chmodSync(folder, 0o711)
  mkdirSync(join(folder, 'workspace'))
  writeFileSync(join(folder, 'execution.yaml'), 'workspaces:\n  main: { root: ./workspace }\n')
  const deed: Place['deed'] = (env, ...args) => startDeed(join(folder, 'data'), args, { cwd: folder, env })
  return {
    folder,
    deed,
    async up(env) {
      const mesh = deed(env, 'up')
      await until(() => mesh.output().includes('ready after') || mesh.child.exitCode !== null, {
        timeoutMs: START_MS_MAX,
        what: 'the mesh',
      })
      expect(mesh.child.exitCode, mesh.output()).toBe(null)
      const running = opened.use({
        async [Symbol.asyncDispose]() {
          if (mesh.child.exitCode !== null || mesh.child.signalCode !== null) return
          mesh.child.kill('SIGINT')
          await mesh.ended
        },
      })
      return running
    },
    async check(env, name) {
      const { checks } = JSON.parse((await deed(env, 'doctor', '--json').ended).stdout) as { checks: Check[] }
      return checks.find((check) => check.name === name)
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** The text between backticks. */
const quoted = (advice: string | undefined): string[] =>
  [...(advice ?? '').matchAll(/`([^`]+)`/g)].map(([, text = '']) => text)

describe.skipIf(!postgres)(`the advice of deed doctor, on the distribution's PostgreSQL${skipped}`, () => {
  it('makes a server durable that was told not to be, and has no checksums', async () => {
    await using place = newPlace()
    const data = join(place.folder, 'cluster')
    mkdirSync(data, { mode: 0o700 })
    const passwordFile = join(place.folder, 'password')
    writeFileSync(passwordFile, PASSWORD)
    if (USER.uid !== undefined) chownSync(data, USER.uid, USER.gid)
    const run = (program: string, ...args: string[]): void => {
      const { status, stderr, stdout } = spawnSync(join(postgres ?? '', program), args, {
        ...USER,
        encoding: 'utf8',
        cwd: data,
        env: { PATH: process.env.PATH, LC_ALL: 'C' },
      })
      expect(status, `${program}: ${stdout}${stderr}`).toBe(0)
    }
    run('initdb', '--pgdata', data, '--username', 'owner', '--pwfile', passwordFile, '--auth', 'scram-sha-256')
    const port = await freePort()
    const weak = ['fsync = off', 'synchronous_commit = off', 'full_page_writes = off']
    const place_ = [`port = ${port}`, "listen_addresses = '127.0.0.1'", "unix_socket_directories = ''"]
    writeFileSync(join(data, 'postgresql.conf'), `${[...place_, ...weak].join('\n')}\n`, { flag: 'a' })
    const start = () => run('pg_ctl', 'start', '--wait', '--pgdata', data, '--log', join(data, 'log'))
    const stop = () => run('pg_ctl', 'stop', '--wait', '--mode', 'fast', '--pgdata', data)
    start()
    await using _server = { [Symbol.asyncDispose]: async () => stop() }
    const url = `postgres://owner:${PASSWORD}@127.0.0.1:${port}/postgres`
    await using _mesh = await place.up({ DATABASE_URL: url })

    const before = await place.check({}, 'postgresql.durability')
    expect(before?.status).toBe('problem')
    const statements = before?.advice?.match(/(ALTER SYSTEM SET \w+ = on;|SELECT pg_reload_conf\(\))/g) ?? []
    expect(statements).toHaveLength(4)
    const client = new Client({ connectionString: url })
    await client.connect()
    for (const statement of statements) await client.query(statement)
    await client.end()
    const [, program = '', option = ''] = /run (\w+) (--\w+) -D <its data folder>/.exec(before?.advice ?? '') ?? []
    stop()
    run(program, option, '-D', data)
    start()
    await until(async () => (await place.check({}, 'postgresql.durability'))?.status === 'ok', {
      timeoutMs: START_MS_MAX,
      what: 'a durable PostgreSQL',
    })
    const done = await place.deed({}, 'run', 'write "it" to done.txt').ended
    expect(done.code, done.stdout + done.stderr).toBe(0)
  })
})

describe('the advice of deed doctor, on a plain nats-server', () => {
  it('shows how it syncs, has it sync, and gives each service a user of its own, as which a task is done', async () => {
    await using place = newPlace()
    const [port, monitoringPort] = [await freePort(), await freePort()]
    const config = join(place.folder, 'nats.conf')
    const configure = ({ users = 'authorization { user: team, password: word }', jetstream = '', more = '' }) =>
      writeFileSync(
        config,
        `listen: "127.0.0.1:${port}"\njetstream {\n  store_dir: ${JSON.stringify(join(place.folder, 'jetstream'))}\n  ${jetstream}\n}\n${users}\n${more}\n`,
      )
    let server: ChildProcess | undefined
    const end = async (): Promise<void> => {
      if (!server || server.exitCode !== null || server.signalCode !== null) return
      server.kill('SIGTERM')
      await once(server, 'exit')
    }
    const restart = async (env: Record<string, string> = {}): Promise<void> => {
      await end()
      server = spawn(installedBinary(), ['--config', config], { stdio: 'ignore', env })
    }
    await using _server = { [Symbol.asyncDispose]: end }
    configure({})
    await restart()
    const shared = { NATS_URL: `nats://team:word@127.0.0.1:${port}` }
    const mesh = await place.up(shared)

    // How often it syncs cannot be seen, until its monitoring port is open.
    const unseen = await place.check({}, 'nats.durability')
    expect(unseen?.status).toBe('warning')
    const [line = ''] = quoted(unseen?.advice)
    const [, variable = ''] = /set (\w+), such as http:\/\/127\.0\.0\.1:8222 /.exec(unseen?.advice ?? '') ?? []
    const monitored = { [variable]: `http://127.0.0.1:${monitoringPort}` }
    const more = line.replace('8222', String(monitoringPort))
    configure({ more })
    await restart()
    const become = (status: Check['status'], name: string) =>
      until(
        async () => {
          const check = await place.check(monitored, name)
          return check?.status === status && check
        },
        { timeoutMs: START_MS_MAX, what: `${name} to be ${status}` },
      )
    // It does not sync before it acknowledges.
    const weak = await become('problem', 'nats.durability')
    const [jetstream = ''] = quoted(weak.advice)
    configure({ more, jetstream })
    await restart()
    await become('ok', 'nats.durability')

    // All identities are one.
    const one = await become('warning', 'nats.permissions')
    const [info = '', up = ''] = quoted(one.advice)
    expect([info, up]).toEqual(['deed info --nats-config', 'deed up'])
    const accounts = await place.deed({}, ...info.split(' ').slice(1)).ended
    writeFileSync(join(place.folder, 'accounts.conf'), accounts.stdout)
    configure({ more, jetstream, users: 'include ./accounts.conf' })
    const passwords = Object.fromEntries(NATS_USERS.map((user) => [passwordVariable(user), `word-of-${user}`]))
    await mesh[Symbol.asyncDispose]()
    await restart(passwords)
    const own = { ...passwords, NATS_URL: `nats://deed:word-of-deed@127.0.0.1:${port}` }
    await using _mesh = await place.up(own)
    await become('ok', 'nats.permissions')

    const url = `nats://127.0.0.1:${port}`
    await using client = await connectBus({ service: 'client', url, user: 'client', password: 'word-of-client' })
    const reply = await client.call(requestExecution, { task: 'write "given" to given.txt' }, { timeoutMs: 60_000 })
    expect(reply).toMatchObject({ status: 'done', metrics: { success: true } })
    expect(readFileSync(join(place.folder, 'workspace/given.txt'), 'utf8')).toBe('given')
  })
})
