import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { sha256 } from '@deed/json/canonical-json'
import { describe, expect, it } from 'vitest'
import { testExecutor } from '../../test/test-executor.ts'

const write = (path: string, content: string, more: object = {}) => ({
  kind: 'file.write',
  input: { path, content },
  ...more,
})

const IS_ROOT = process.getuid?.() === 0
const withoutRoot = IS_ROOT ? '' : ' (SKIPPED: only root may give files to others)'

describe('writing a file', () => {
  it('leaves exactly the content, proved by reading it again', async () => {
    await using executor = await testExecutor()
    const { outcome, effect, evidence } = await executor.run(write('a/b/note.txt', 'hello'))
    expect(outcome).toBe('done')
    expect(effect).toBe('made')
    expect(evidence).toMatchObject({ kind: 'observed', outcome: 'verified', facts: { sha256: sha256('hello') } })
    expect(executor.read('a/b/note.txt')).toBe('hello')
    expect(readdirSync(join(executor.root, 'a/b'))).toEqual(['note.txt'])
  })

  it('is looked for as the text it is: no pattern of a caller is ever run', async () => {
    await using executor = await testExecutor()
    for (const pattern of ['^(a+)+$', '(a|a)*b', '.*'.repeat(5_000)]) {
      const verify = { kind: 'file', path: 'note.txt', contains: pattern }
      const text = `${'a'.repeat(50)}!`
      expect(await executor.run(write('note.txt', text, { verify }))).toMatchObject({
        outcome: 'failed',
        error: { code: 'verification_failed' },
      })
      expect(await executor.run(write('note.txt', `${text}${pattern}`, { verify }))).toMatchObject({ outcome: 'done' })
    }
  })

  it('does nothing where the file is so already', async () => {
    await using executor = await testExecutor()
    executor.write('note.txt', 'hello')
    const { mtimeMs } = statSync(join(executor.root, 'note.txt'))
    const { outcome, effect, evidence } = await executor.run(write('note.txt', 'hello'))
    expect({ outcome, effect, already: evidence?.already_so }).toEqual({
      outcome: 'done',
      effect: 'none',
      already: true,
    })
    expect(statSync(join(executor.root, 'note.txt')).mtimeMs).toBe(mtimeMs)
  })

  it.skipIf(!IS_ROOT)(`leaves the file to whom it belonged, and so does the undo${withoutRoot}`, async () => {
    await using executor = await testExecutor()
    executor.write('a.conf', 'old')
    const path = join(executor.root, 'a.conf')
    chownSync(path, 1234, 5678)
    chmodSync(path, 0o640)
    utimesSync(path, 1_000_000_000, 1_000_000_000)
    const described = () => {
      const { uid, gid, mode } = statSync(path)
      return `${uid}:${gid} ${(mode & 0o7777).toString(8)}`
    }
    for (const action of [
      write('a.conf', 'new'),
      { kind: 'file.patch', input: { path: 'a.conf', diff: '@@ -1 +1 @@\n-old\n\\ No newline\n+new\n' } },
    ]) {
      const work = await executor.dispatch(action)
      expect(await executor.attempt(work)).toMatchObject({ outcome: 'done', effect: 'made' })
      expect(described()).toBe('1234:5678 640')
      expect(await executor.undo(work)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
      expect(described()).toBe('1234:5678 640')
      expect(statSync(path).mtimeMs).toBe(1_000_000_000_000)
    }
    const deleted = await executor.dispatch({ kind: 'file.delete', input: { path: 'a.conf' } })
    await executor.attempt(deleted)
    expect(await executor.undo(deleted)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
    expect(described()).toBe('1234:5678 640')
    // An undo that brought the bytes back and not the owner would not be one.
    const changed = await executor.dispatch(write('a.conf', 'new'))
    await executor.attempt(changed)
    writeFileSync(path, 'old')
    chownSync(path, 0, 0)
    expect(await executor.undo(changed)).toMatchObject({ outcome: 'failed' })
  })

  it.skipIf(!IS_ROOT)(`is only planned as undoable where the owner can be given back${withoutRoot}`, () => {
    const script = `import('${import.meta.dirname}/owner.ts').then(({ canGiveTo }) => console.log(
      [[65534, 65534], [0, 0], [65534, 0]].map(([uid, gid]) => canGiveTo({ uid, gid })).join()))`
    const args = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, '-e', script]
    expect(execFileSync('setpriv', args, { encoding: 'utf8' }).trim()).toBe('true,false,false')
  })

  it('is undone to the byte: old content and mode, or no file and none of the folders it made', async () => {
    await using executor = await testExecutor()
    executor.write('old.sh', 'old\u0000bytes')
    chmodSync(join(executor.root, 'old.sh'), 0o750)
    const changed = await executor.dispatch(write('old.sh', 'new'))
    const created = await executor.dispatch(write('x/y/z.txt', 'new'))
    expect(await executor.attempt(changed)).toMatchObject({ outcome: 'done' })
    expect(statSync(join(executor.root, 'old.sh')).mode & 0o777).toBe(0o750)
    expect(await executor.attempt(created)).toMatchObject({ outcome: 'done' })

    expect(await executor.undo(changed)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
    expect(await executor.undo(created)).toMatchObject({ outcome: 'done' })
    expect(executor.read('old.sh')).toBe('old\u0000bytes')
    expect(statSync(join(executor.root, 'old.sh')).mode & 0o777).toBe(0o750)
    expect(existsSync(join(executor.root, 'x'))).toBe(false)
  })

  it('is not undone over what somebody else has written since', async () => {
    await using executor = await testExecutor()
    const work = await executor.dispatch(write('note.txt', 'mine'))
    await executor.attempt(work)
    executor.write('note.txt', 'theirs')
    expect(await executor.undo(work)).toMatchObject({ outcome: 'failed', error: { code: 'undo_conflict' } })
    expect(executor.read('note.txt')).toBe('theirs')
  })

  it('keeps large old content outside the ledger, and brings it back', async () => {
    await using executor = await testExecutor()
    const large = 'x'.repeat(200_000)
    executor.write('large.txt', large)
    const work = await executor.dispatch(write('large.txt', 'small'))
    await executor.attempt(work)
    await executor.undo(work)
    expect(executor.read('large.txt')).toBe(large)
  })

  it('does nothing when the target is not as it was approved', async () => {
    await using executor = await testExecutor()
    executor.write('note.txt', 'changed meanwhile')
    const conclusion = await executor.run(write('note.txt', 'new', { expect_before: `sha256:${sha256('approved')}` }))
    expect(conclusion).toMatchObject({ outcome: 'failed', effect: 'none', error: { code: 'precondition_failed' } })
    expect(executor.read('note.txt')).toBe('changed meanwhile')
  })

  it('does nothing when it was approved only to look', async () => {
    await using executor = await testExecutor()
    const conclusion = await executor.run(write('note.txt', 'new', { observe_only: true }))
    expect(conclusion).toMatchObject({ outcome: 'failed', effect: 'none', error: { code: 'precondition_failed' } })
    expect(executor.read('note.txt')).toBeUndefined()
  })

  it('fails, with the effect reported, when what the caller asks to see is not there', async () => {
    await using executor = await testExecutor()
    const verify = { kind: 'file', path: 'other.txt', exists: true } as const
    const conclusion = await executor.run(write('note.txt', 'new', { verify }))
    expect(conclusion).toMatchObject({
      outcome: 'failed',
      effect: 'made',
      error: { code: 'verification_failed' },
      evidence: { outcome: 'failed' },
    })
  })
})

describe('confinement', () => {
  it.each([
    ['../../etc/passwd', 'path_outside_workspace'],
    ['/etc/passwd', 'path_outside_workspace'],
    ['a/../../b', 'path_outside_workspace'],
    ['..%2fb', 'path_outside_workspace'],
    ['..\\b', 'path_outside_workspace'],
    ['C:\\b', 'path_outside_workspace'],
    ['file:///etc/passwd', 'path_outside_workspace'],
    ['.git/hooks/pre-commit', 'protected_path'],
    ['sub/.GIT/config', 'protected_path'],
    ['.npmrc', 'protected_path'],
    ['.deed/x', 'protected_path'],
    ['execution.yaml', 'protected_path'],
    ['link/passwd', 'path_outside_workspace'],
    ['dangling', 'path_outside_workspace'],
    ['loop', 'symlink_loop'],
    ['fifo', 'not_a_regular_file'],
    ['twice', 'not_a_regular_file'],
    ['folder', 'not_a_regular_file'],
    ['/proc/self/fd/1', 'path_outside_workspace'],
  ])('refuses %s', async (path, code) => {
    await using executor = await testExecutor()
    const { root } = executor
    symlinkSync('/etc', join(root, 'link'))
    symlinkSync('/nowhere/at/all', join(root, 'dangling'))
    symlinkSync('loop', join(root, 'loop'))
    execFileSync('/usr/bin/env', ['mkfifo', join(root, 'fifo')])
    writeFileSync(join(root, '..', 'outside'), 'outside')
    linkSync(join(root, '..', 'outside'), join(root, 'twice'))
    mkdirSync(join(root, 'folder'))
    const { outcome, effect, error } = await executor.run(write(path, 'evil'))
    expect({ outcome, effect, code: error?.code }).toEqual({ outcome: 'failed', effect: 'none', code })
    expect(readFileSync(join(root, '..', 'outside'), 'utf8')).toBe('outside')
    // Neither an answer nor a log may tell where on this machine the workspace lies.
    expect(error?.message).not.toContain(root)
  })

  it('tells a workspace from a folder whose name begins alike', async () => {
    await using executor = await testExecutor()
    const { error } = await executor.run(write('x', 'y', { workspace: `${executor.root}-evil` }))
    expect(error?.code).toBe('path_outside_workspace')
  })

  it('starts from a folder below a workspace where one is named', async () => {
    await using executor = await testExecutor()
    await executor.run(write('x.txt', 'y', { workspace: join(executor.root, 'sub') }))
    expect(executor.read('sub/x.txt')).toBe('y')
  })
})
