// What a command in the box must not be able to do, tried on the real thing, by the programs that a host has.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  lstatSync,
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

const folder = mkdtempSync(join(tmpdir(), 'deed-escape-'))
afterAll(() => rmSync(folder, { recursive: true }))
const dataFolder = join(folder, 'data')
mkdirSync(dataFolder)
const { sandbox, missing } = await chooseSandbox({ mode: 'auto', dataFolder, protectedFiles: [] })
const perl = findProgram('perl')

const confined = describe.skipIf(!sandbox.confines)
const skipped = sandbox.confines ? '' : ` (SKIPPED, nothing confines here: ${missing.join('; ')})`
const withPerl = perl === undefined ? it.skip : it
const filtered = it.skipIf(perl === undefined || !sandbox.name.includes('seccomp'))
const noPerl = perl === undefined ? ' (SKIPPED: there is no perl to make system calls with)' : ''
const unfiltered = sandbox.name.includes('seccomp') ? noPerl : ' (SKIPPED: system calls are not filtered here)'

let workspaces = 0
function newWorkspace(): string {
  const workspace = join(folder, `workspace ${++workspaces}`)
  mkdirSync(workspace)
  return workspace
}

interface Running {
  workspace?: string
  timeoutMs?: number
  signal?: AbortSignal
}

function run(argv: string[], { workspace = newWorkspace(), timeoutMs = 20_000, signal }: Running = {}): Promise<Ended> {
  const [program = '', ...args] = argv
  return runCommand(sandbox, {
    actionId: '0190a5c0-0000-7000-8000-000000000000' as ActionId,
    argv: [findProgram(program) ?? program, ...args],
    workspace,
    cwd: workspace,
    env: {},
    timeoutMs,
    signal: signal ?? AbortSignal.timeout(timeoutMs),
  })
}

const sh = (script: string, running?: Running) => run(['sh', '-c', script], running)
/** @returns what a system call is answered with: 0, or the name of the error */
async function systemCall(name: string, ...args: (number | string)[]): Promise<string> {
  const call = `require "syscall.ph"; my @a = (${args.join(', ')}); $! = 0; syscall(&SYS_${name}, @a); use Errno; my ($n) = grep { $!{$_} } keys %!; print $n // "none"`
  return String((await run(['perl', '-e', call])).stdout)
}

confined(`out of the box a command${skipped}`, () => {
  it('does not read the files of the host', async () => {
    const { stdout } = await sh('cat /etc/shadow /root/.ssh/* /home/*/.ssh/* /etc/passwd; ls /')
    expect(String(stdout).trim().split('\n').sort()).toEqual(expect.arrayContaining(['proc', 'usr']))
    expect(String(stdout)).not.toMatch(/root:|^(?:home|root|var|opt|boot|srv|sys)$/m)
  })

  it('has a user with a name, and no other user of the host has one there', async () => {
    const { stdout } = await sh('id -un; wc -l < /etc/passwd')
    expect(String(stdout).split('\n').slice(0, 2)).toEqual(['nobody', '1'])
  })

  it('does not read the environment of the executor', async () => {
    process.env.DEED_TEST_CANARY = 'canary-of-the-executor'
    const { stdout } = await sh(
      'cat /proc/*/environ /proc/*/cmdline | tr "\\0" "\\n"; ls /proc | grep -c "^[0-9]"; env',
    )
    delete process.env.DEED_TEST_CANARY
    expect(String(stdout)).not.toContain('canary-of-the-executor')
    expect(String(stdout)).not.toMatch(/vitest|DATABASE_URL|NATS/)
  })

  it('does not connect to a port of the host, nor look a name up', async () => {
    let connections = 0
    const server = createServer(() => connections++).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const script = `const net = require('node:net'), dns = require('node:dns')
      net.connect(${port}, '127.0.0.1').on('error', (e) => console.log(e.code)).on('connect', () => console.log('connected'))
      dns.lookup('example.com', (e) => console.log(e ? e.code : 'found'))`
    const { stdout } = await run(['node', '-e', script])
    server.close()
    expect(String(stdout).trim().split('\n').sort()[0]).toBe('EAI_AGAIN')
    expect(String(stdout)).toContain('ECONNREFUSED')
    expect(connections).toBe(0)
  })

  withPerl(`does not reach an abstract Unix socket of the host${noPerl}`, async () => {
    const name = `deed-test-${process.pid}`
    const server = createServer(() => undefined).listen(`\0${name}`)
    await once(server, 'listening')
    const dial = `use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0); print connect(S, pack_sockaddr_un("\\0${name}")) ? "connected" : "$!"`
    expect(String((await run(['perl', '-e', dial])).stdout)).toBe('Connection refused')
    server.close()
  })

  it('does not write to a protected path, nor make one, nor put something else in its place', async () => {
    const workspace = newWorkspace()
    mkdirSync(join(workspace, '.git'))
    writeFileSync(join(workspace, '.git', 'config'), 'as it was')
    writeFileSync(join(workspace, '.npmrc'), 'as it was')
    const tries = [...PROTECTED_NAMES].map(
      (name) =>
        `(echo x > ${name} || mkdir ${name} || rm -rf ${name} || ln -s /tmp ${name} || mv other ${name} || ln -f other ${name} || chmod 777 ${name} || mv ${name} moved) 2>/dev/null && echo ${name}`,
    )
    const { stdout } = await sh(`touch other; echo x > .git/config; mkdir .git/hooks; ${tries.join('\n')}\ntrue`, {
      workspace,
    })
    expect(String(stdout)).toBe('')
    expect(readFileSync(join(workspace, '.git', 'config'), 'utf8')).toBe('as it was')
    expect(readFileSync(join(workspace, '.npmrc'), 'utf8')).toBe('as it was')
    // And nothing is left of what was put where nothing was.
    expect(readdirSync(workspace).sort()).toEqual(['.git', '.npmrc', 'other'])
  })

  it('does not read what is kept for an undo, nor credentials in the workspace', async () => {
    const workspace = newWorkspace()
    mkdirSync(join(workspace, '.deed'))
    mkdirSync(join(workspace, '.ssh'))
    for (const path of ['.deed/connection.json', '.ssh/id', '.netrc'])
      writeFileSync(join(workspace, path), 'hidden-word')
    const { stdout } = await sh('cat .deed/* .ssh/* .netrc; ls -A .deed .ssh', { workspace })
    expect(String(stdout)).not.toContain('hidden-word')
    expect(String(stdout).trim()).toBe('.deed:\n\n.ssh:')
  })

  it('refuses to start where a protected path leads elsewhere', async () => {
    const workspace = newWorkspace()
    symlinkSync('/etc', join(workspace, '.git'))
    await expect(sh('ls .git/', { workspace })).rejects.toMatchObject({ code: 'protected_path' })
  })

  it('keeps the protection while two commands run in one workspace', async () => {
    const workspace = newWorkspace()
    const long = sh('until [ -e go ]; do sleep 0.01; done; echo x > .npmrc', { workspace })
    await until(() => existsSync(join(workspace, '.npmrc')))
    await sh('true', { workspace })
    expect(existsSync(join(workspace, '.npmrc'))).toBe(true)
    writeFileSync(join(workspace, 'go'), '')
    expect((await long).exitCode).not.toBe(0)
    expect(readdirSync(workspace)).toEqual(['go'])
  })

  it('does not leave the workspace by links', async () => {
    const workspace = newWorkspace()
    const outside = join(folder, 'outside')
    writeFileSync(outside, 'untouched')
    symlinkSync(outside, join(workspace, 'link'))
    const { stdout } = await sh(
      `echo x > link; ln /usr/bin/env hard; ln -s ${outside} made; echo x > made; cat link made`,
      { workspace },
    )
    // What is made at a path of the host's is made inside, where nothing of the host is.
    expect(String(stdout)).not.toContain('untouched')
    expect(readFileSync(outside, 'utf8')).toBe('untouched')
    expect(existsSync(join(workspace, 'hard'))).toBe(false)
  })

  filtered.each([
    ['mount', ['"none"', '"/tmp"', '"tmpfs"', 0, 0]],
    ['ptrace', [0, 0, 0, 0]],
    ['bpf', [0, 0, 0]],
    ['keyctl', [0, -3, 1]],
    ['perf_event_open', [0, 0, 0, 0, 0]],
    ['io_uring_setup', [1, 0]],
    ['unshare', [0x10000000]],
    ['setns', [0, 0]],
    ['userfaultfd', [0]],
    ['chroot', ['"/tmp"']],
    ['clone', [0x10000000 | 17, 0, 0, 0, 0]],
    // Into a terminal's input: CVE-2019-10063.
    ['ioctl', [0, 0x5412, '"x"']],
  ] as const)(`is refused the system call %s${unfiltered}`, async (name, args) => {
    expect(await systemCall(name, ...args)).toBe('EPERM')
  })

  filtered.each([
    ['raw', [2, 3, 1], 'EPERM'],
    ['packet', [17, 3, 0], 'EAFNOSUPPORT'],
    ['vsock', [40, 1, 0], 'EAFNOSUPPORT'],
  ] as const)(`is given no %s socket${unfiltered}`, async (_, args, answer) => {
    expect(await systemCall('socket', ...args)).toBe(answer)
  })

  it('makes no namespace of its own', async () => {
    expect((await sh('unshare --user --map-root-user true')).exitCode).not.toBe(0)
    expect((await sh('unshare --net true')).exitCode).not.toBe(0)
  })

  it('does not outlive its end, in whatever session', async () => {
    const workspace = newWorkspace()
    const mark = `beat-${process.pid}`
    const daemon = `setsid sh -c 'while :; do echo x >> ${mark}; sleep 0.01; done' > /dev/null 2>&1 &`
    await sh(`${daemon} until [ -s ${mark} ]; do sleep 0.01; done`, { workspace })
    expect(processesNaming(mark)).toEqual([])
  })

  it('does not outlive being stopped, though it ignores SIGTERM', async () => {
    const workspace = newWorkspace()
    const mark = `deaf-${process.pid}`
    const stop = new AbortController()
    const deaf = `trap '' TERM; setsid sh -c 'trap "" TERM; while :; do echo x >> ${mark}; sleep 0.01; done' & while :; do sleep 0.1; done`
    const running = sh(deaf, { workspace, signal: stop.signal })
    await until(() => existsSync(join(workspace, mark)))
    stop.abort(new Error('enough'))
    await expect(running).rejects.toThrow('enough')
    expect(processesNaming(mark)).toEqual([])
  })

  it('ends with the executor, however that ends', async () => {
    const workspace = newWorkspace()
    const program = `
      import { chooseSandbox } from '${import.meta.dirname}/choose-sandbox.ts'
      import { runCommand } from '${import.meta.dirname}/run-command.ts'
      const { sandbox } = await chooseSandbox({ mode: 'auto', dataFolder: '${dataFolder}', protectedFiles: [] })
      await runCommand(sandbox, {
        actionId: '0190a5c0-0000-7000-8000-000000000001', argv: ['/bin/sh', '-c', 'touch up; setsid sleep 7654321'],
        workspace: '${workspace}', cwd: '${workspace}', env: {}, timeoutMs: 60_000, signal: AbortSignal.timeout(60_000),
      })`
    const executor = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], { stdio: 'inherit' })
    await until(() => existsSync(join(workspace, 'up')) && processesNaming('7654321').length > 0)
    executor.kill('SIGKILL')
    await until(() => processesNaming('7654321').length === 0)
  })

  it('is asked to end before it is ended', async () => {
    const workspace = newWorkspace()
    const stop = new AbortController()
    const running = sh(`trap 'echo asked > asked; exit' TERM; touch up; while :; do sleep 0.01; done`, {
      workspace,
      signal: stop.signal,
    })
    await until(() => existsSync(join(workspace, 'up')))
    stop.abort(new Error('enough'))
    await expect(running).rejects.toThrow('enough')
    expect(readFileSync(join(workspace, 'asked'), 'utf8')).toBe('asked\n')
  })
})

describe(`with ${sandbox.name}, the limits of a command`, () => {
  it('end it when it writes a file that is too large', async () => {
    const workspace = newWorkspace()
    await expect(sh('truncate -s 2G big', { workspace })).rejects.toMatchObject({
      code: 'limit_exceeded',
      details: { limit: 'file size' },
    })
    expect(lstatSync(join(workspace, 'big'), { throwIfNoEntry: false })?.size ?? 0).toBe(0)
  })

  withPerl(`keep a fork bomb within bounds${noPerl}`, async () => {
    const bomb =
      'for (1 .. 5000) { my $p = fork; die "refused" unless defined $p; if (!$p) { sleep 60; exit } } sleep 60'
    const end = await run(['perl', '-e', bomb]).catch((error: unknown) => error)
    // By a control group it is ended for it; by the count of its user it is refused the next one, and sees that itself.
    if (sandbox.name.includes('cgroup'))
      expect(end).toMatchObject({ code: 'limit_exceeded', details: { limit: 'processes' } })
    else if (end instanceof Error) expect(end).toMatchObject({ details: { limit: 'processes' } })
    else expect(String((end as Ended).stderr)).toContain('refused')
  })

  it('end it when it waits for ever', async () => {
    await expect(sh('sleep infinity', { timeoutMs: 200 })).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  it('end it when it prints for ever, with or without line ends', async () => {
    for (const endless of ['yes', 'cat /dev/zero']) {
      await expect(sh(endless)).rejects.toMatchObject({
        code: 'limit_exceeded',
        details: { limit: 'output', truncated: true },
      })
    }
  })

  it('keep what a terminal would obey as it is', async () => {
    const { stdout } = await run(['printf', '\\033]52;c;eA==\\007\\033[31mred'])
    expect(String(stdout)).toBe('\u001b]52;c;eA==\u0007\u001b[31mred')
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
