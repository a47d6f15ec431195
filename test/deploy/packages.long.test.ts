// The packages of a release, below node_modules as npm puts them there, and started as a newcomer starts them.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
/** Where the Node of the machine lies, and not that of this repository. */
const MACHINE = '/usr/local/bin:/usr/bin:/bin'
const opened = new AsyncDisposableStack()
const folder = opened.use(temporaryFolder()).path
const packages = join(folder, 'packages')
const project = join(folder, 'project')
const modules = join(project, 'node_modules')

beforeAll(() => {
  execFileSync(process.execPath, ['deploy/pack.mjs', packages], { cwd: ROOT, stdio: 'pipe' })
  mkdirSync(join(modules, '@deed'), { recursive: true })
  for (const file of readdirSync(packages).filter((name) => name.endsWith('.tgz'))) {
    const [, name = ''] = /^(?:deed-(?=[a-z]))?(.+)-\d+\.\d+\.\d+.*\.tgz$/.exec(file) ?? []
    const place = join(modules, name === 'deed' ? name : `@deed/${name}`)
    mkdirSync(place, { recursive: true })
    execFileSync('tar', ['-xzf', join(packages, file), '-C', place, '--strip-components=1'])
  }
  // What npm would get from its registry is here already; the server for old Nodes is in the package.
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    if (!['.', '@deed', '@eplightning'].some((other) => name === other || (other === '.' && name.startsWith(other))))
      symlinkSync(join(ROOT, 'node_modules', name), join(modules, name))
  mkdirSync(join(project, 'work'))
  writeFileSync(join(project, 'execution.yaml'), 'workspaces:\n  main: { root: ./work }\n')
})
afterAll(() => {
  spawnDeed('down')
  return opened.disposeAsync()
})

function spawnDeed(...args: string[]) {
  const node = spawnSync('node', ['-p', 'process.execPath'], { env: { PATH: MACHINE }, encoding: 'utf8' }).stdout
  const program = join(modules, 'deed/libs/cli/bin/deed.mjs')
  return spawnSync(node?.trim() || process.execPath, [program, ...args], {
    cwd: project,
    env: { PATH: MACHINE, HOME: folder },
    encoding: 'utf8',
  })
}

describe('the package of the command', () => {
  it('says its version and its help on the Node that the machine has', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
    expect(spawnDeed('--version').stdout).toBe(`${version}\n`)
    expect(spawnDeed('--help').stdout).toContain('Usage: deed <command>')
  })

  it('starts a mesh in a folder, and a task is done there and verified', () => {
    const up = spawnDeed('up', '--detach')
    expect(up.stderr + up.stdout).toContain('The mesh runs in the background')
    const run = spawnDeed('run', 'write "hello" to notes.txt')
    expect(run.stderr + run.stdout).toContain('1 of 1 verified')
    expect(readFileSync(join(project, 'work/notes.txt'), 'utf8')).toBe('hello')
    expect(spawnDeed('down').status).toBe(0)
  })

  it('has no TypeScript that Node would have to run, and no tests', () => {
    const files = readdirSync(join(modules, 'deed'), { recursive: true, encoding: 'utf8' })
    expect(files.filter((file) => /^(proto|libs|services)\/.*\.ts$/.test(file))).toEqual([])
    expect(files.filter((file) => /\.test\./.test(file))).toEqual([])
  })
})

describe('the packages of the libraries', () => {
  it('are imported by a program alongside Deed, contracts and bus', () => {
    const program = `
      import { requestExecution } from '@deed/proto/execution'
      import { connectBus } from '@deed/mesh/bus'
      console.log(requestExecution.subject, typeof connectBus)`
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: project,
      encoding: 'utf8',
    })
    expect(stderr + stdout).toBe('execution.request function\n')
  })

  it('tell TypeScript what their functions take', () => {
    const program = (payload: string): string => `
      import { connectBus } from '@deed/mesh/bus'
      import { requestExecution } from '@deed/proto/execution'
      const bus = await connectBus({ service: 'alongside', url: 'nats://127.0.0.1:4222' })
      const reply = await bus.call(requestExecution, ${payload})
      reply.execution_id satisfies string`
    writeFileSync(join(project, 'right.mts'), program("{ task: 'restart shop' }"))
    writeFileSync(join(project, 'wrong.mts'), program('{ task: 1 }'))
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--types', 'node']
    const compile = (file: string) =>
      spawnSync(process.execPath, [compiler, ...options, file], { cwd: project, encoding: 'utf8' })
    expect(compile('right.mts').stdout).toBe('')
    expect(compile('wrong.mts').stdout).toMatch(/^wrong\.mts.*error TS2322/)
  })
})
