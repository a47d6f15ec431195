// What a command must not be able to do where Landlock confines it, tried on the real thing: a helper that is built here,
// and the programs that a host has.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PROTECTED_NAMES } from '@deed/config/protected-names'
import { until } from '@deed/process/until'
import type { ActionId } from '@deed/proto/ids'
import { afterAll, describe, expect, it } from 'vitest'
import { findProgram } from '../processes/find-program.ts'
import { chooseSandbox } from './choose-sandbox.ts'
import { type Ended, runCommand } from './run-command.ts'
import { unconfined } from './unconfined.ts'

const folder = mkdtempSync(join(tmpdir(), 'deed-landlock-'))
afterAll(() => rmSync(folder, { recursive: true }))
const dataFolder = join(folder, 'data')
mkdirSync(dataFolder)
const confine = join(folder, 'deed-confine')
const source = new URL('../../native/deed-confine.c', import.meta.url).pathname
const built = spawnSync('cc', ['-O2', '-Wall', '-Wextra', '-Werror', '-static', '-o', confine, source], {
  encoding: 'utf8',
})
const { sandbox, missing } = await chooseSandbox({ mode: 'landlock', confine, dataFolder, protectedFiles: [] }).catch(
  ({ message }: Error) => ({ sandbox: unconfined('none'), missing: [message] }),
)
const skipped = sandbox.confines
  ? ''
  : ` (SKIPPED: ${built.error ? 'there is no C compiler (cc) here' : `${built.stderr}${missing.join('; ')}`})`
const perl = findProgram('perl')
const noPerl = perl === undefined ? ' (SKIPPED: there is no perl to make system calls with)' : ''

let workspaces = 0
/** With a folder `in`, since nothing new is made in the root. */
function newWorkspace(): string {
  const workspace = join(folder, `workspace ${++workspaces}`)
  mkdirSync(join(workspace, 'in'), { recursive: true })
  return workspace
}

interface Running {
  workspace?: string
  signal?: AbortSignal
  secrets?: Record<string, string>
}

function run(argv: string[], { workspace = newWorkspace(), signal, secrets = {} }: Running = {}): Promise<Ended> {
  const [program = '', ...args] = argv
  return runCommand(sandbox, {
    actionId: '0190a5c0-0000-7000-8000-000000000002' as ActionId,
    argv: [findProgram(program) ?? program, ...args],
    workspace,
    cwd: join(workspace, 'in'),
    env: {},
    secrets,
    timeoutMs: 20_000,
    signal: signal ?? AbortSignal.timeout(20_000),
  })
}
const sh = (script: string, running?: Running) => run(['sh', '-c', script], running)

it.skipIf(built.error)(`deed-confine builds without a warning${skipped}`, () => {
  expect(built.stderr).toBe('')
  expect(built.status).toBe(0)
})

describe.skipIf(!sandbox.confines)(`confined by Landlock a command${skipped}`, () => {
  it('works in what lies in its workspace, with its secrets, and says how it ended', async () => {
    const workspace = newWorkspace()
    const ended = await sh('echo $WORD > made; mkdir sub; mv made sub; cat sub/made; echo t > $TMPDIR/t; exit 7', {
      workspace,
      secrets: { WORD: 'of-the-secret' },
    })
    expect(ended).toMatchObject({ exitCode: 7, leftovers: 0 })
    expect(String(ended.stdout)).toBe('of-the-secret\n')
    expect(readdirSync(join(workspace, 'in'))).toEqual(['sub'])
    expect(readdirSync(join(dataFolder, 'sandbox')).filter((name) => name.startsWith('deed-tmp-'))).toEqual([])
    expect(String((await run(['node', '-p', '6 * 7'])).stdout)).toBe('42\n')
  })

  it('does not read the files of the host, nor what others keep in temporary folders', async () => {
    writeFileSync(join(folder, 'of-others'), 'hidden-word')
    const { stdout } = await sh(`cat /etc/shadow /etc/passwd /root/.bashrc '${folder}/of-others' /proc/1/environ`)
    expect(String(stdout)).toBe('')
  })

  it('does not write outside, by links neither', async () => {
    const workspace = newWorkspace()
    const outside = join(folder, 'outside')
    writeFileSync(outside, 'untouched')
    symlinkSync(outside, join(workspace, 'link'))
    symlinkSync(folder, join(workspace, 'up'))
    await sh(
      `echo x > ../link; echo x > ../up/made; ln -s ${outside} made; echo x > made; echo x > /usr/x; echo x > ../new`,
      {
        workspace,
      },
    )
    expect(readFileSync(outside, 'utf8')).toBe('untouched')
    expect(existsSync(join(folder, 'made'))).toBe(false)
    expect(readdirSync(workspace).sort()).toEqual(['in', 'link', 'up'])
  })

  it('does not write to a protected path, nor make one, nor put something else in its place', async () => {
    const workspace = newWorkspace()
    mkdirSync(join(workspace, '.git'))
    writeFileSync(join(workspace, '.git', 'config'), 'as it was')
    writeFileSync(join(workspace, '.npmrc'), 'as it was')
    const tries = [...PROTECTED_NAMES].map(
      (name) =>
        `(echo x > ../${name} || mkdir ../${name} || rm -r ../${name} || ln -s /tmp ../${name} || mv other ../${name} || ln -f other ../${name} || mv ../${name} moved) 2> /dev/null && echo ${name}`,
    )
    const { stdout } = await sh(
      `touch other; echo x > ../.git/config; mkdir ../.git/hooks; ln ../.git/config linked; ${tries.join('\n')}\ncat ../.npmrc`,
      { workspace },
    )
    expect(String(stdout)).toBe('as it was')
    expect(readFileSync(join(workspace, '.git', 'config'), 'utf8')).toBe('as it was')
    expect(readdirSync(join(workspace, 'in'))).toEqual(['other'])
    expect(readdirSync(workspace).sort()).toEqual(['.git', '.npmrc', 'in'])
  })

  it('does not read credentials in the workspace', async () => {
    const workspace = newWorkspace()
    for (const name of ['.deed', '.ssh']) mkdirSync(join(workspace, name))
    for (const path of ['.deed/connection.json', '.ssh/id', '.netrc'])
      writeFileSync(join(workspace, path), 'hidden-word')
    expect(String((await sh('cat ../.deed/* ../.ssh/* ../.netrc', { workspace })).stdout)).toBe('')
  })

  it('reaches no network, no name server and no socket of the host', async () => {
    let connections = 0
    const server = createServer(() => connections++).listen(0, '127.0.0.1')
    const local = createServer(() => connections++).listen(join(folder, 'socket'))
    await Promise.all([once(server, 'listening'), once(local, 'listening')])
    const { port } = server.address() as { port: number }
    const report = `.on('error', (e) => console.log(e.code)).on('connect', () => console.log('connected'))`
    const { stdout } = await run([
      'node',
      '-e',
      `const net = require('node:net'); net.connect(${port}, '127.0.0.1')${report}; net.connect('${folder}/socket')${report}
       require('node:dgram').createSocket('udp4').on('error', (e) => console.log(e.code)).send('x', 53, '127.0.0.1')`,
    ])
    server.close()
    local.close()
    expect(new Set(String(stdout).trim().split('\n'))).toEqual(new Set(['EAFNOSUPPORT']))
    expect(connections).toBe(0)
  })

  it.skipIf(perl === undefined)(`is refused calls that lead out, and has no right of its user${noPerl}`, async () => {
    const calls = ['mount', 'ptrace', 'bpf', 'io_uring_setup', 'unshare', 'setns', 'chroot', 'keyctl', 'pidfd_getfd']
    const script = calls
      .map((name) => `$! = 0; syscall(&SYS_${name}, 0x10000000, 0, 0, 0, 0); print "$!{EPERM} "`)
      .join(';')
    expect(String((await run(['perl', '-e', `use Errno; require "syscall.ph"; ${script}`])).stdout)).toMatch(
      /^(?:[1-9]\d* ){9}$/,
    )
    expect((await sh('unshare --user true')).exitCode).not.toBe(0)
    expect((await sh('chown 1 .')).exitCode).not.toBe(0)
  })

  const signals = missing.filter((reason) => reason.includes('signal'))
  const letThrough = signals.length === 0 ? '' : ` (SKIPPED: ${signals.join('; ')})`
  it.skipIf(signals.length > 0)(`signals no process outside${letThrough}`, async () => {
    const victim = spawn('sleep', ['60'])
    const { stderr } = await sh(`kill -9 ${victim.pid} $PPID ${process.pid}; kill -TERM $PPID`)
    expect(String(stderr)).not.toBe('')
    expect(victim.exitCode ?? victim.signalCode).toBeNull()
    victim.kill()
  })

  it('does not outlive its end, in whatever session and environment', async () => {
    const workspace = newWorkspace()
    const mark = `beat-${process.pid}`
    const daemon = `env -i setsid sh -c 'while :; do echo x >> ${mark}; sleep 0.01; done' > /dev/null 2>&1 &`
    await sh(`${daemon} until [ -s ${mark} ]; do sleep 0.01; done`, { workspace })
    expect(processesNaming(mark)).toEqual([])
  })

  it('does not outlive being stopped, though it ignores SIGTERM, and is asked first', async () => {
    const workspace = newWorkspace()
    const mark = `deaf-${process.pid}`
    const stop = new AbortController()
    const deaf = `trap 'echo > asked' TERM; env -i setsid sh -c 'trap "" TERM; while :; do echo x >> ${mark}; sleep 0.01; done' & while :; do sleep 0.1; done`
    const running = sh(deaf, { workspace, signal: stop.signal })
    await until(() => existsSync(join(workspace, 'in', mark)))
    stop.abort(new Error('enough'))
    await expect(running).rejects.toThrow('enough')
    expect(processesNaming(mark)).toEqual([])
    expect(existsSync(join(workspace, 'in', 'asked'))).toBe(true)
  })

  it('ends with the executor, however that ends', async () => {
    const workspace = newWorkspace()
    const program = `
      import { chooseSandbox } from '${import.meta.dirname}/choose-sandbox.ts'
      import { runCommand } from '${import.meta.dirname}/run-command.ts'
      const { sandbox } = await chooseSandbox({ mode: 'landlock', confine: '${confine}', dataFolder: '${dataFolder}', protectedFiles: [] })
      await runCommand(sandbox, {
        actionId: '0190a5c0-0000-7000-8000-000000000003', argv: ['/bin/sh', '-c', 'touch in/up; env -i setsid sleep 7654322'],
        workspace: '${workspace}', cwd: '${workspace}', env: {}, timeoutMs: 60_000, signal: AbortSignal.timeout(60_000),
      })`
    const executor = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], { stdio: 'inherit' })
    await until(() => existsSync(join(workspace, 'in', 'up')) && processesNaming('7654322').length > 0)
    executor.kill('SIGKILL')
    await until(() => processesNaming('7654322').length === 0)
  })

  it('is not started where it was to reach a host', async () => {
    const asked = { argv: ['/bin/true'], workspace: folder, cwd: folder, env: {}, secrets: {}, timeoutMs: 1_000 }
    expect(() => sandbox.open({ ...asked, egressSocket: '/x' })).toThrow('cannot open a way')
  })
})

/** Numbers of processes on this host whose command line has the text. */
function processesNaming(text: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || pid === String(process.pid)) return false
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text)
    } catch {
      return false
    }
  })
}
