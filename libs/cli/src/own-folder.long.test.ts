// `deed` as somebody has it after `npm link`: on the PATH, on whatever Node the machine has, in a folder of one's own.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { isAlive, type ProcessIdentity } from '@deed/local/process-identity'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { until } from '@deed/process/until'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const RELEASE = resolve(import.meta.dirname, '../../..')
/** The version from which the TypeScript here runs as it is, as in bin/deed.mjs. */
const NODE_MIN = [24, 21] as const
/** What somebody may have in the shell for a database of their own, and for a proxy; none of it is about Deed. */
const SHELL = {
  PGSSLMODE: 'require',
  PGHOST: 'db.example.com',
  PGUSER: 'somebody',
  PGDATABASE: 'theirs',
  PGOPTIONS: '-c search_path=theirs',
  HTTP_PROXY: 'http://127.0.0.1:1',
  NODE_USE_ENV_PROXY: '1',
}

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

const opened = new AsyncDisposableStack()
const oldNode = (process.env.PATH ?? '').split(delimiter).find(isOldNode)
let folder: string
let env: Record<string, string>

/** Whether the folder's `node` is one that has to hand over to the release's own. */
function isOldNode(bin: string): boolean {
  try {
    const version = execFileSync(join(bin, 'node'), ['--version'], { encoding: 'utf8', stdio: 'pipe' })
    const [major = 0, minor = 0] = version.slice(1).split('.').map(Number)
    return major >= 20 && (major < NODE_MIN[0] || (major === NODE_MIN[0] && minor < NODE_MIN[1]))
  } catch {
    return false
  }
}

beforeAll(() => {
  const base = opened.use(temporaryFolder()).path
  chmodSync(base, 0o755)
  folder = join(base, 'project')
  mkdirSync(join(folder, 'deep', 'down'), { recursive: true })
  const prefix = join(base, 'prefix')
  const own = { HOME: base, npm_config_prefix: prefix, npm_config_cache: join(base, 'cache') }
  execFileSync('npm', ['link', '--offline', '--no-audit', '--no-fund'], {
    cwd: RELEASE,
    env: { PATH: process.env.PATH, ...own },
    stdio: 'pipe',
  })
  const node = oldNode ?? join(RELEASE, 'node_modules/.bin')
  env = { ...SHELL, HOME: base, PATH: [join(prefix, 'bin'), node, '/usr/bin', '/bin'].join(delimiter) }
}, 120_000)
afterAll(async () => {
  await deed('down')
  await opened.disposeAsync()
})

function start(
  args: readonly string[],
  cwd = folder,
): { child: ChildProcess; output: () => string; ended: Promise<Ended> } {
  const [file = '', ...rest] = args
  const child = spawn(file, rest, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = new Promise<Ended>((end) => child.once('close', (code) => end({ code, stdout, stderr })))
  return { child, output: () => stdout + stderr, ended }
}

const deed = (...args: string[]): Promise<Ended> => start(['deed', ...args]).ended
const from = (cwd: string, ...args: string[]): Promise<Ended> => start(['deed', ...args], cwd).ended

const up = async (): Promise<{ pid: number }> => {
  const { code, stdout, stderr } = await deed('up', '--detach', '--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout)
}

/** Everything that the mesh has written down as running. */
function recorded(): ProcessIdentity[] {
  const services = ['orchestrator', 'executor', 'thinking']
  const files = [...services.map((name) => `mesh/${name}.json`), 'nats/process.json', 'postgres/process.json']
  return files.map((file) => JSON.parse(readFileSync(join(folder, '.deed', file), 'utf8')))
}

describe('deed on the PATH', { timeout: 300_000 }, () => {
  it.skipIf(oldNode === undefined)(
    `runs on a Node that is too old for its TypeScript${oldNode === undefined ? ' (not tried: the PATH has no Node from 20 to 24.20)' : ''}`,
    async () => {
      const { stdout } = await start(['node', '--version']).ended
      expect(Number(stdout.slice(1).split('.')[0])).toBeLessThanOrEqual(NODE_MIN[0])
      const { version } = JSON.parse(readFileSync(join(RELEASE, 'package.json'), 'utf8'))
      expect(await deed('--version')).toMatchObject({ code: 0, stdout: `${version}\n` })
    },
  )

  it('writes an execution.yaml once, says what comes next, and never writes over one', async () => {
    const written = await deed('init')
    expect(written.code).toBe(0)
    expect(written.stdout).toMatch(/execution\.yaml[\s\S]*\n {2}deed up --detach\n {2}deed run /)
    writeFileSync(join(folder, 'execution.yaml'), `${readFileSync(join(folder, 'execution.yaml'), 'utf8')}# mine\n`)
    const again = await deed('init')
    expect(again.code).toBe(2)
    expect(again.stderr).toContain('is there already')
    expect(readFileSync(join(folder, 'execution.yaml'), 'utf8')).toContain('# mine')
  })

  it('starts a mesh of the folder, whatever the shell has for other servers, and says what it is made of', async () => {
    const { code, stdout, stderr } = await deed('up', '--detach')
    expect(code).toBe(0)
    expect(stdout).toContain('deed down')
    expect(stderr).toContain(`configuration  ${folder}/execution.yaml\n`)
    expect(stderr).toContain(`workspaces     main = ${folder} (default)\n`)
    expect(stderr).toContain(`data           ${folder}/.deed\n`)
    expect((await deed('run', 'write "hello" to hello.txt')).code).toBe(0)
    expect(readFileSync(join(folder, 'hello.txt'), 'utf8')).toBe('hello')
  })

  it('finds the mesh from below the folder and names it, and anywhere by its data folder', async () => {
    const below = await from(join(folder, 'deep', 'down'), 'get', 'executions')
    expect(below).toMatchObject({ code: 0 })
    expect(below.stdout).toContain('write "hello"')
    expect(below.stderr).toContain(`the mesh of ${folder}/.deed`)
    expect((await deed('get', 'executions')).stderr).toBe('')
    const named = await from('/', '--data-dir', join(folder, '.deed'), 'get', 'executions')
    expect(named).toMatchObject({ code: 0, stderr: '' })
  })

  it("examines the mesh's own configuration, wherever it is asked", async () => {
    const elsewhere = join(folder, 'deep', 'down')
    writeFileSync(join(elsewhere, 'execution.yaml'), 'nonsense: true\n')
    const data = ['--data-dir', join(folder, '.deed')]
    const { stdout } = await from(elsewhere, ...data, 'doctor')
    expect(stdout).toContain(`${folder}/execution.yaml is valid`)
    writeFileSync(join(elsewhere, 'execution.yaml'), '')
  })

  it('says at Ctrl+C what still waits for a decision, and how to deny and to follow it', async () => {
    const terminal = start(['script', '-qec', 'deed run "delete the file hello.txt"', '/dev/null'])
    opened.defer(() => void terminal.child.kill('SIGKILL'))
    await until(() => terminal.output().includes('Approve? [y/N]') || undefined, {
      timeoutMs: 60_000,
      what: 'the question',
    })
    terminal.child.stdin?.write('\u0003')
    const { code, stdout } = await terminal.ended
    expect(code).toBe(130)
    const [, execution = '', approval = ''] =
      /execution ([0-9a-f-]{36}) still waits for approval ([0-9a-f-]{36})/.exec(stdout) ?? []
    expect(stdout).toContain(`deed watch ${execution}`)
    expect(stdout).toContain(`deed deny ${approval}`)
    expect((await deed('deny', approval, '--reason', 'left')).code).toBe(0)
    expect((await deed('watch', execution)).stdout).toContain('denied')
    expect(existsSync(join(folder, 'hello.txt'))).toBe(true)
  })

  it('ends with `down` what a mesh that was killed outright has left, and starts again', async () => {
    const left = recorded()
    expect(left.every(isAlive)).toBe(true)
    const owner: ProcessIdentity = JSON.parse(readFileSync(join(folder, '.deed/mesh/owner.json'), 'utf8'))
    process.kill(owner.pid, 'SIGKILL')
    await until(() => !isAlive(owner), { timeoutMs: 60_000, what: 'the death of the mesh' })
    const down = await deed('down')
    expect(down.code).toBe(0)
    expect(down.stderr).toMatch(/ended what a killed mesh had left: .*nats-server, postgres/)
    expect(left.filter(isAlive)).toEqual([])
    expect((await deed('down')).code).toBe(3)

    const { pid } = await up()
    process.kill(pid, 'SIGKILL')
    // Not taken down in between: the next start ends what was left.
    const again = await up()
    expect(again.pid).not.toBe(pid)
    expect((await deed('run', 'write "again" to again.txt')).code).toBe(0)
    const all = recorded()
    expect((await deed('down')).code).toBe(0)
    expect(all.filter(isAlive)).toEqual([])
  })

  it('takes its mesh along when it is killed outright itself', async () => {
    const mesh = start(['deed', 'up'])
    await until(() => mesh.output().includes('ready after') || undefined, { timeoutMs: 60_000, what: 'the mesh' })
    const all = recorded()
    mesh.child.kill('SIGKILL')
    await until(async () => ((await deed('down')).code !== 1 && !all.some(isAlive)) || undefined, {
      timeoutMs: 90_000,
      what: 'the end of all',
    })
  })
})
