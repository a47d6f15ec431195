// What the kernel refuses, made for real: mounts, immutable files, rights. Where this host cannot make it, that is skipped.
import { execFileSync, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Action, type inspectAction as contract } from '@deed/proto/action'
import { ExecutionId } from '@deed/proto/ids'
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { type TestExecutor, testExecutor } from '../../test/test-executor.ts'
import { inspectAction } from '../handlers/inspect-action.ts'

type Found = z.output<typeof contract.output>['inspections'][number]

async function inspected(executor: TestExecutor, kind: string, input: object): Promise<Found> {
  const inspect = inspectAction({ world: executor.world })
  const scope = { deadline: performance.now() + 60_000 } as Parameters<typeof inspect>[1]
  const actions = [Action.parse({ kind, input })]
  const answer = await inspect({ execution_id: ExecutionId.parse(randomUUID()), actions }, scope)
  return (answer as z.output<typeof contract.output>).inspections[0]!
}

const refusedFor = (code: string) => ({ error: { code: 'effect_failed', retryable: false, details: { code } } })

function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'deed-mount-'))
  const able = process.platform === 'linux' && spawnSync('mount', ['-t', 'tmpfs', 'none', folder]).status === 0
  if (able) execFileSync('umount', [folder])
  rmSync(folder, { recursive: true })
  return able
}

function canMakeImmutable(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'deed-immutable-'))
  writeFileSync(join(folder, 'a'), '')
  const able = spawnSync('chattr', ['+i', join(folder, 'a')]).status === 0
  if (able) execFileSync('chattr', ['-i', join(folder, 'a')])
  rmSync(folder, { recursive: true })
  return able
}

const MOUNTS = canMount()
const IMMUTABLE = canMakeImmutable()
const ROOT = process.geteuid?.() === 0
const unless = (able: boolean, why: string) => (able ? '' : ` (skipped: ${why})`)

/** A file system of its own in the workspace. Unmounted lazily: a folder that was just inspected may be open still. */
function mounted({ root }: TestExecutor, ...options: string[]): Disposable {
  mkdirSync(join(root, 'mnt'))
  execFileSync('mount', ['-t', 'tmpfs', ...options, 'none', join(root, 'mnt')])
  return { [Symbol.dispose]: () => void execFileSync('umount', ['--lazy', join(root, 'mnt')]) }
}

describe(`another file system in the workspace${unless(MOUNTS, 'this user may not mount')}`, () => {
  it.skipIf(!MOUNTS)('is no place to move to: that is refused before anybody approves it', async () => {
    await using executor = await testExecutor()
    executor.write('a.txt', 'a')
    executor.write('folder/b.txt', 'b')
    using _mount = mounted(executor)
    for (const from of ['a.txt', 'folder'])
      expect(await inspected(executor, 'file.move', { from, to: `mnt/new/${from}` })).toMatchObject(refusedFor('EXDEV'))
    executor.write('mnt/c.txt', 'c')
    expect(await inspected(executor, 'file.move', { from: 'mnt/c.txt', to: 'c.txt' })).toMatchObject(
      refusedFor('EXDEV'),
    )
    expect(await inspected(executor, 'file.move', { from: 'mnt/c.txt', to: 'mnt/d.txt' })).toHaveProperty('inspection')
    expect(await inspected(executor, 'file.write', { path: 'mnt/d.txt', content: '' })).toHaveProperty('inspection')
  })

  it.skipIf(!MOUNTS)('cannot be removed or moved as a folder, nor can a folder that it is in', async () => {
    await using executor = await testExecutor()
    using _mount = mounted(executor)
    expect(await inspected(executor, 'file.delete', { path: 'mnt', recursive: true })).toMatchObject(
      refusedFor('EBUSY'),
    )
    expect(await inspected(executor, 'file.move', { from: 'mnt', to: 'other' })).toMatchObject(refusedFor('EBUSY'))
  })

  it.skipIf(!MOUNTS)('that is read-only takes no file and no folder', async () => {
    await using executor = await testExecutor()
    using _mount = mounted(executor, '-o', 'ro')
    expect(await inspected(executor, 'file.write', { path: 'mnt/x/a', content: '' })).toMatchObject(refusedFor('EROFS'))
    expect(await inspected(executor, 'dir.create', { path: 'mnt/folder' })).toMatchObject(refusedFor('EROFS'))
  })
})

describe(`what is immutable${unless(IMMUTABLE, 'chattr +i does not work here')}`, () => {
  it.skipIf(!IMMUTABLE)('is neither written, patched, moved nor deleted: each is refused in the plan', async () => {
    await using executor = await testExecutor()
    executor.write('a.txt', 'one\n')
    executor.write('folder/b.txt', 'b')
    executor.write('fixed/c.txt', 'c')
    const fixed = ['a.txt', 'folder/b.txt', 'fixed'].map((path) => join(executor.root, path))
    execFileSync('chattr', ['+i', ...fixed])
    try {
      const cases: [string, object][] = [
        ['file.write', { path: 'a.txt', content: 'new' }],
        ['file.patch', { path: 'a.txt', diff: '@@ -1 +1 @@\n-one\n+two\n' }],
        ['file.delete', { path: 'a.txt' }],
        ['file.move', { from: 'a.txt', to: 'b.txt' }],
        ['file.copy', { from: 'folder/b.txt', to: 'fixed/b.txt' }],
        ['file.delete', { path: 'folder', recursive: true }],
        ['file.write', { path: 'fixed/new.txt', content: '' }],
        ['dir.create', { path: 'fixed/new' }],
        ['file.delete', { path: 'fixed/c.txt' }],
      ]
      for (const [kind, input] of cases)
        expect(await inspected(executor, kind, input), JSON.stringify(input)).toMatchObject(refusedFor('EPERM'))
    } finally {
      execFileSync('chattr', ['-i', ...fixed])
    }
  })
})

describe('a folder without the right to write', () => {
  const script = `
    const { refusePut, refuseRemoval } = await import(process.argv[1])
    const workspace = { root: process.argv[2], base: [] }
    for (const check of [() => refusePut(workspace, 'closed/new'), () => refuseRemoval(workspace, 'closed/a'), () => refusePut(workspace, 'open/new')])
      try { check(); console.log('may') } catch (error) { console.log(error.details.code) }`

  it('is found by a process of an ordinary user', () => {
    const root = mkdtempSync(join(tmpdir(), 'deed-rights-'))
    try {
      for (const folder of ['closed', 'open']) mkdirSync(join(root, folder))
      writeFileSync(join(root, 'closed/a'), '')
      chmodSync(root, 0o755)
      chmodSync(join(root, 'closed'), 0o555)
      chmodSync(join(root, 'open'), 0o777)
      const module = fileURLToPath(new URL('./refuse-unchangeable.ts', import.meta.url))
      const args = ['--input-type=module', '-e', script, module, root]
      const user = ROOT ? { uid: 65_534, gid: 65_534 } : {}
      const said = execFileSync(process.execPath, args, { ...user, encoding: 'utf8' })
      expect(said.trim().split('\n')).toEqual(['EACCES', 'EACCES', 'may'])
    } finally {
      chmodSync(join(root, 'closed'), 0o755)
      rmSync(root, { recursive: true })
    }
  })
})

describe('ordinary changes', () => {
  it('are not refused', async () => {
    await using executor = await testExecutor()
    executor.write('a.txt', 'one\n')
    executor.write('folder/sub/b.txt', 'b')
    chmodSync(join(executor.root, 'a.txt'), 0o444)
    const cases: [string, object][] = [
      ['file.write', { path: 'a.txt', content: 'new' }],
      ['file.write', { path: 'new/folders/c.txt', content: 'new' }],
      ['file.patch', { path: 'a.txt', diff: '@@ -1 +1 @@\n-one\n+two\n' }],
      ['file.delete', { path: 'a.txt' }],
      ['file.delete', { path: 'folder', recursive: true }],
      ['file.move', { from: 'a.txt', to: 'new/b.txt' }],
      ['file.move', { from: 'folder', to: 'other/folder' }],
      ['file.copy', { from: 'a.txt', to: 'new/' }],
      ['dir.create', { path: 'new/folder' }],
      ['code.generate', { path: 'new/a.py', language: 'python', content: 'x = 1\n' }],
    ]
    for (const [kind, input] of cases)
      expect(await inspected(executor, kind, input), JSON.stringify(input)).toHaveProperty('inspection')
    expect(existsSync(join(executor.root, 'new'))).toBe(false)
  })
})

describe('a program that is not there', () => {
  it.each([
    ['its program', 'command: [no-such-program]', 'no program no-such-program'],
    ['its program in the folder', 'command: [./gone.sh]', 'no program ./gone.sh'],
    ['its folder', 'command: [node], cwd: ./gone', 'no folder'],
  ])('makes a restart or start of a service refused: %s', async (_, fields, why) => {
    await using executor = await testExecutor(`targets: { api: { type: process, ${fields} } }`)
    for (const kind of ['service.restart', 'service.start'])
      expect(await inspected(executor, kind, { target: 'api' })).toMatchObject({
        error: { code: 'effect_failed', message: expect.stringContaining(why) },
      })
  })

  it('makes a command refused, as does a working folder that does not exist', async () => {
    await using executor = await testExecutor('commands: { allow: [no-such-program, "true"] }')
    expect(await inspected(executor, 'command.run', { argv: ['no-such-program'] })).toMatchObject({
      error: { code: 'command_not_allowed', retryable: false },
    })
    expect(await inspected(executor, 'command.run', { argv: ['true'], cwd: 'gone' })).toMatchObject({
      error: { code: 'invalid_request', retryable: false },
    })
  })
})
