// `deed up` on servers that somebody else runs: one user on NATS, one role on PostgreSQL, and nothing embedded.

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DeedProcess, startDeed } from '@deed/drill/harness/deed-process'
import { freePort } from '@deed/local/kept-port'
import { installedBinary } from '@deed/local/nats'
import { startPostgres } from '@deed/local/postgres'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { until } from '@deed/process/until'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const opened = new AsyncDisposableStack()
let folder: string
let env: Record<string, string>

beforeAll(async () => {
  folder = opened.use(temporaryFolder()).path
  mkdirSync(join(folder, 'workspace'))
  writeFileSync(
    join(folder, 'execution.yaml'),
    'workspaces:\n  main: { root: ./workspace }\ncommands: { allow: [sh] }\n',
  )
  const postgres = opened.use(await startPostgres({ dataDir: join(folder, 'postgres') }))
  env = { NATS_URL: await someonesNats(), DATABASE_URL: postgres.url }
})
afterAll(() => opened.disposeAsync())

/** @returns its URL, with the one user that there is */
async function someonesNats(): Promise<string> {
  const port = await freePort()
  const config = join(folder, 'nats.conf')
  writeFileSync(
    config,
    `listen: "127.0.0.1:${port}"
jetstream { store_dir: ${JSON.stringify(join(folder, 'jetstream'))}, sync_interval: always }
authorization { users: [{ user: "team", password: "a b/c" }] }
`,
  )
  const server = spawn(installedBinary(), ['--config', config], { stdio: 'ignore' })
  opened.defer(() => void server.kill('SIGKILL'))
  return `nats://team:${encodeURIComponent('a b/c')}@127.0.0.1:${port}`
}

function deed(...args: string[]): DeedProcess {
  const started = startDeed(join(folder, 'data'), args, { cwd: folder, env })
  opened.defer(() => void started.child.kill('SIGKILL'))
  return started
}

const ready = (mesh: DeedProcess): Promise<true> =>
  until(() => mesh.output().includes('ready after') || undefined, {
    timeoutMs: 60_000,
    what: 'the mesh',
  }) as Promise<true>

describe('servers that are given', () => {
  it('serve the mesh, which starts none of its own, does a task on them, and drains at Ctrl+C', async () => {
    const mesh = deed('up')
    await ready(mesh)
    expect(existsSync(join(folder, 'data/nats'))).toBe(false)
    expect(existsSync(join(folder, 'data/postgres'))).toBe(false)

    const { code, stdout } = await deed('run', 'write "given" to given.txt').ended
    expect(stdout).toMatch(/\ndone {2}autonomous, /)
    expect(code).toBe(0)
    expect(readFileSync(join(folder, 'workspace/given.txt'), 'utf8')).toBe('given')

    // The one user may do everything, so nobody is who the subject says.
    const { checks } = JSON.parse((await deed('doctor', '--json').ended).stdout)
    expect(checks.find(({ name }: { name: string }) => name === 'nats.permissions')).toMatchObject({
      status: 'warning',
      message: expect.stringContaining('all identities are one'),
    })

    mesh.child.kill('SIGINT')
    expect(await mesh.ended).toMatchObject({ code: 0 })
    expect(mesh.output()).toContain('draining')
  })

  it('find the executions of an earlier mesh there; a second Ctrl+C ends one that drains at once', async () => {
    const mesh = deed('up')
    await ready(mesh)
    const { stdout } = await deed('get', 'executions', '--text', 'given.txt').ended
    expect(stdout).toContain('write "given" to given.txt')

    // It drains for as long as this runs, which is until its file is gone.
    const lasting = join(folder, 'workspace/lasting')
    mkdirSync(lasting)
    const script = 'echo begun > lasting/begun.txt\nwhile [ -e lasting/begun.txt ]; do sleep 0.2; done\n'
    writeFileSync(join(folder, 'workspace/long.sh'), script)
    const long = deed('run', 'run `sh long.sh`')
    const approval = await waitingApproval()
    expect((await deed('approve', approval, '--yes').ended).code).toBe(0)
    await until(() => existsSync(join(lasting, 'begun.txt')) || undefined, { what: 'the command' })
    mesh.child.kill('SIGINT')
    await until(() => mesh.output().includes('draining') || undefined, { what: 'the drain' })
    // What follows at once is the same press; sooner or later it is a second one.
    await until(() => !mesh.child.kill('SIGINT') || mesh.child.exitCode !== null, { what: 'the end of the mesh' })
    expect((await mesh.ended).code).toBe(130)
    rmSync(lasting, { recursive: true })
    long.child.kill('SIGKILL')
  })
})

/** The id of the approval that the command waits for. */
async function waitingApproval(): Promise<string> {
  return until(
    async () => {
      const { stdout } = await deed('get', 'approvals', '--status', 'pending', '--json').ended
      return /"approval_id":"([0-9a-f-]+)"/.exec(stdout)?.[1]
    },
    { what: 'an approval' },
  )
}
