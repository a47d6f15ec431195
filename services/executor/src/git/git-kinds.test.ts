import { randomUUID } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { until } from '@deed/process/until'
import { Action } from '@deed/proto/action'
import { ExecutionId } from '@deed/proto/ids'
import { actionIdOf } from '@deed/worker/action-id'
import { describe, expect, it } from 'vitest'
import { dies } from '../../test/test-dies.ts'
import { type TestExecutor, testExecutor } from '../../test/test-executor.ts'
import { git, HAS_GIT, index, inGit, withoutGit, withRepository } from '../../test/test-repository.ts'
import { readTree, treeLimits } from '../files/tree.ts'
import { inspectAction } from '../handlers/inspect-action.ts'

describe.skipIf(!HAS_GIT)(`a branch${withoutGit}`, () => {
  const branch = (more: object = {}) => ({ kind: 'git.branch', input: { name: 'feature/x', ...more } })

  it('is made where it is wanted, and deleted on undo', async () => {
    await using executor = await withRepository()
    const first = git(executor, 'rev-parse', 'HEAD')
    const work = await executor.dispatch(branch({ switch: true }))
    expect(await executor.attempt(work)).toMatchObject({
      outcome: 'done',
      effect: 'made',
      evidence: { facts: { commit: first } },
    })
    expect(git(executor, 'symbolic-ref', 'HEAD')).toBe('refs/heads/feature/x')
    expect(await executor.run(branch({ switch: true }))).toMatchObject({
      effect: 'none',
      evidence: { already_so: true },
    })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect(git(executor, 'symbolic-ref', 'HEAD')).toBe('refs/heads/main')
    expect(git(executor, 'branch', '--list', 'feature/x')).toBe('')
  })

  it('is left alone by the undo when it was there before, and when somebody works on it', async () => {
    await using executor = await withRepository()
    git(executor, 'branch', 'feature/x')
    const there = await executor.dispatch(branch())
    expect(await executor.attempt(there)).toMatchObject({ effect: 'none' })
    expect(await executor.undo(there)).toMatchObject({ outcome: 'done' })
    expect(git(executor, 'branch', '--list', 'feature/x')).not.toBe('')

    const made = await executor.dispatch(branch({ name: 'other' }))
    await executor.attempt(made)
    git(executor, 'switch', '-q', 'other')
    git(executor, 'commit', '-q', '--allow-empty', '-m', 'theirs')
    expect(await executor.undo(made)).toMatchObject({ outcome: 'failed', error: { code: 'undo_conflict' } })
    expect(git(executor, 'log', '-1', '--format=%s', 'other')).toBe('theirs')
  })

  it.each([
    ['a name that is an option', { name: '--upload-pack=touch' }, 'invalid_request'],
    ['a commit that is an option', { from: '-x' }, 'invalid_request'],
    ['a name that climbs', { name: 'a/../b' }, 'invalid_request'],
    ['a commit that is not there', { from: 'v9' }, 'not_found'],
    ['a folder that is no repository', { repository: 'sub' }, 'not_found'],
    ['a folder outside', { repository: '..' }, 'path_outside_workspace'],
  ])('refuses %s', async (_, more, code) => {
    await using executor = await withRepository()
    expect(await executor.run(branch(more))).toMatchObject({ outcome: 'failed', effect: 'none', error: { code } })
    expect(git(executor, 'branch', '--format=%(refname:short)')).toBe('main')
  })
})

describe.skipIf(!HAS_GIT)(`a commit${withoutGit}`, () => {
  const commit = (paths: string[], more: object = {}) => ({
    kind: 'git.commit',
    input: { message: 'second\n\nwith a body', paths, ...more },
  })

  async function withChanges(): Promise<TestExecutor> {
    const executor = await withRepository()
    executor.write('a.txt', 'ONE\ntwo\nthree\n')
    executor.write('new/c.txt', 'c\n')
    executor.write('staged.txt', 'theirs\n')
    git(executor, 'add', 'staged.txt')
    return executor
  }

  it('holds the named paths alone, and is undone with the index to the byte', async () => {
    await using executor = await withChanges()
    const [head, before] = [git(executor, 'rev-parse', 'HEAD'), index(executor)]
    const work = await executor.dispatch(commit(['a.txt', 'new'], { author: { name: 'Bo', email: 'bo@example.com' } }))
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done', effect: 'made' })
    expect(git(executor, 'show', '--format=%an %s', '--name-status', 'HEAD')).toBe(
      'Bo second\n\nM\ta.txt\nA\tnew/c.txt',
    )
    expect(git(executor, 'status', '--porcelain')).toBe('A  staged.txt')
    expect(git(executor, 'fsck', '--strict')).toBe('')

    expect(await executor.undo(work)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
    expect(git(executor, 'rev-parse', 'HEAD')).toBe(head)
    expect(index(executor)).toBe(before)
    expect(executor.read('a.txt')).toBe('ONE\ntwo\nthree\n')
    expect(executor.read('new/c.txt')).toBe('c\n')
  })

  it('holds a deletion, and is the first one where there is none', async () => {
    await using executor = await testExecutor()
    git(executor, 'init', '-q', '-b', 'main')
    executor.write('a.txt', 'a')
    const first = await executor.dispatch(commit(['.']))
    expect(await executor.attempt(first)).toMatchObject({ outcome: 'done' })
    expect(git(executor, 'log', '--format=%an %s')).toBe('Deed second')
    expect(await executor.undo(first)).toMatchObject({ outcome: 'done' })
    expect(() => git(executor, 'rev-parse', '--verify', '-q', 'HEAD')).toThrow()
    expect(existsSync(inGit(executor, 'index'))).toBe(false)
    expect(executor.read('a.txt')).toBe('a')
  })

  it('is not made where nothing differs', async () => {
    await using executor = await withRepository()
    expect(await executor.run(commit(['a.txt']))).toMatchObject({ effect: 'none', evidence: { already_so: true } })
    expect(git(executor, 'rev-list', '--count', 'HEAD')).toBe('1')
  })

  it.each(['before_effect', 'after_effect'] as const)('is made once where an attempt died %s', async (at) => {
    await using executor = await withChanges()
    const before = readFileSync(inGit(executor, 'index'))
    const work = await executor.dispatch(commit(['a.txt']))
    await dies(executor, work, at)
    // The branch has moved, the index not yet, and the lock is still there.
    writeFileSync(inGit(executor, 'index'), before)
    const lock = inGit(executor, `deed-${actionIdOf(work.task_id)}.lock`)
    writeFileSync(lock, '')
    linkSync(lock, inGit(executor, 'index.lock'))
    expect(await executor.run(work.action, { after: work })).toMatchObject({ outcome: 'done' })
    expect(git(executor, 'rev-list', '--count', 'HEAD')).toBe('2')
    expect(git(executor, 'status', '--porcelain', 'a.txt', 'staged.txt')).toBe('A  staged.txt')
    expect(existsSync(lock) || existsSync(inGit(executor, 'index.lock'))).toBe(false)
  })

  it('waits for another git that is at work', async () => {
    await using executor = await withChanges()
    writeFileSync(inGit(executor, 'index.lock'), '')
    expect(await executor.run(commit(['a.txt']))).toMatchObject({
      outcome: 'failed',
      effect: 'none',
      error: { code: 'unavailable', retryable: true },
    })
    expect(existsSync(inGit(executor, 'index.lock'))).toBe(true)
  })

  it('is refused in the plan where a git that has died has left its lock, and not where one is at work', async () => {
    await using executor = await withChanges()
    const lock = inGit(executor, 'index.lock')
    const inspect = inspectAction({ world: executor.world })
    const look = async () => {
      const scope = { deadline: performance.now() + 60_000 } as Parameters<typeof inspect>[1]
      const actions = [Action.parse(commit(['a.txt']))]
      return (await inspect({ execution_id: ExecutionId.parse(randomUUID()), actions }, scope)) as object
    }
    const refused = {
      inspections: [{ error: { code: 'effect_failed', message: expect.stringContaining('index.lock') } }],
    }
    writeFileSync(lock, '')
    expect(await look()).not.toMatchObject(refused)
    const hourAgo = Date.now() / 1_000 - 3_600
    const held = openSync(lock, 'r')
    utimesSync(lock, hourAgo, hourAgo)
    expect(await look()).not.toMatchObject(refused)
    closeSync(held)
    // Where a git of another user works for a moment, nobody can see whether it holds the lock.
    const isRefused = async () => JSON.stringify(await look()).includes('"code":"effect_failed"')
    await until(isRefused, { what: 'a lock that no process holds' })
    expect(await look()).toMatchObject(refused)
    expect(await executor.run(commit(['a.txt']))).toMatchObject({
      outcome: 'failed',
      error: { code: 'effect_failed', retryable: false },
    })
    expect(existsSync(lock)).toBe(true)
  })

  it('is not undone under what somebody has built on it', async () => {
    await using executor = await withChanges()
    const work = await executor.dispatch(commit(['a.txt']))
    await executor.attempt(work)
    git(executor, 'commit', '-q', '-m', 'theirs')
    expect(await executor.undo(work)).toMatchObject({ outcome: 'failed', error: { code: 'undo_conflict' } })
    expect(git(executor, 'log', '-1', '--format=%s')).toBe('theirs')
  })

  it('runs no program of the repository: no hook, no filter, no monitor', async () => {
    await using executor = await withChanges()
    const trap = join(executor.root, '..', 'ran')
    for (const hook of ['pre-commit', 'post-commit', 'reference-transaction', 'post-index-change']) {
      mkdirSync(inGit(executor, 'hooks'), { recursive: true })
      writeFileSync(inGit(executor, `hooks/${hook}`), `#!/bin/sh\ntouch ${trap}\n`)
      chmodSync(inGit(executor, `hooks/${hook}`), 0o755)
    }
    const program = join(executor.root, '..', 'trap.sh')
    writeFileSync(program, `#!/bin/sh\ntouch ${trap}\n`)
    chmodSync(program, 0o755)
    for (const key of ['core.fsmonitor', 'core.editor', 'gpg.program', 'diff.external', 'core.pager'])
      git(executor, 'config', key, program)
    git(executor, 'config', 'commit.gpgSign', 'true')
    expect(await executor.run(commit(['a.txt']))).toMatchObject({ outcome: 'done' })
    expect(existsSync(trap)).toBe(false)

    git(executor, 'config', 'filter.x.clean', program)
    executor.write('a.txt', 'again\n')
    expect(await executor.run(commit(['a.txt']))).toMatchObject({
      effect: 'none',
      error: { code: 'command_not_allowed' },
    })
    expect(existsSync(trap)).toBe(false)
  })

  it.each([
    ['a path outside', ['../x'], 'path_outside_workspace'],
    ['a path that nobody knows', ['none.txt'], 'not_found'],
    ['a pattern', ['*.txt'], 'not_found'],
    ['an option', ['--all'], 'not_found'],
  ])('refuses %s', async (_, paths, code) => {
    await using executor = await withChanges()
    expect(await executor.run(commit(paths))).toMatchObject({ outcome: 'failed', effect: 'none', error: { code } })
    expect(git(executor, 'rev-list', '--count', 'HEAD')).toBe('1')
  })
})

describe.skipIf(!HAS_GIT)(`a commit of what git was told not to look at${withoutGit}`, () => {
  it.each(['--assume-unchanged', '--skip-worktree'])(
    'is refused, and not taken for one that is made (%s)',
    async (mark) => {
      await using executor = await withRepository()
      git(executor, 'update-index', mark, 'a.txt')
      executor.write('a.txt', 'changed\n')
      const action = { kind: 'git.commit', input: { message: 'work', paths: ['a.txt'] } }
      expect(await executor.run(action)).toMatchObject({
        effect: 'none',
        error: { code: 'precondition_failed', message: expect.stringContaining(mark.replace('--', '--no-')) },
      })
    },
  )
})

describe.skipIf(!HAS_GIT)(`a patch of several files${withoutGit}`, () => {
  const apply = (patch: string) => ({ kind: 'git.apply', input: { patch } })

  /** What a person has changed, as a patch, taken back again. */
  function patchOf(executor: TestExecutor): string {
    git(executor, 'add', '-A')
    const patch = `${git(executor, 'diff', '--cached', '--no-renames', '--binary')}\n`
    git(executor, 'reset', '-q', '--hard')
    return patch
  }

  async function withPatch(): Promise<[TestExecutor, string]> {
    const executor = await withRepository()
    executor.write('a.txt', 'one\nTWO\nthree\n')
    executor.write('made/deep/c.sh', '#!/bin/sh\n')
    chmodSync(join(executor.root, 'made/deep/c.sh'), 0o755)
    git(executor, 'rm', '-q', 'sub/b.txt')
    const patch = patchOf(executor)
    chmodSync(join(executor.root, 'sub'), 0o750)
    return [executor, patch]
  }

  it('changes, makes and deletes, and is undone to the byte, modes and folders too', async () => {
    const [opened, patch] = await withPatch()
    await using executor = opened
    const tree = async () =>
      (
        await readTree({ root: executor.root, base: [] }, executor.world.blobs, {
          limits: treeLimits(executor.world.config),
        })
      ).hash
    const before = await tree()
    const work = await executor.dispatch(apply(patch))
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done', effect: 'made' })
    expect([executor.read('a.txt'), executor.read('sub/b.txt')]).toEqual(['one\nTWO\nthree\n', undefined])
    expect(statSync(join(executor.root, 'made/deep/c.sh')).mode & 0o100).toBe(0o100)
    expect(await executor.run(apply(patch))).toMatchObject({ effect: 'none', evidence: { already_so: true } })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
    expect(await tree()).toBe(before)
    expect(existsSync(join(executor.root, 'made'))).toBe(false)
    expect(statSync(join(executor.root, 'sub')).mode & 0o777).toBe(0o750)
  })

  it.each(['before_effect', 'after_effect'] as const)('is whole where an attempt died %s', async (at) => {
    const [opened, patch] = await withPatch()
    await using executor = opened
    const work = await executor.dispatch(apply(patch))
    await dies(executor, work, at)
    // Half of it is there.
    executor.write('a.txt', 'one\nTWO\nthree\n')
    expect(await executor.run(work.action, { after: work })).toMatchObject({ outcome: 'done' })
    expect([executor.read('a.txt'), executor.read('sub/b.txt')]).toEqual(['one\nTWO\nthree\n', undefined])
  })

  it.each([
    ['', []],
    [' with mnemonic prefixes', ['-c', 'diff.mnemonicPrefix=true']],
    [' without prefixes', ['-c', 'diff.noprefix=true']],
  ])('of git%s is made whole: renames, modes, quoted names, no last line break, CRLF', async (_, options) => {
    await using executor = await withRepository()
    executor.write('caf\u00e9 1.txt', 'x\r\ny\r\n')
    executor.write('b/old name.txt', 'one\ntwo\nthree\nfour\n'.repeat(9))
    executor.write('run.sh', '#!/bin/sh\n')
    git(executor, 'add', '-A')
    git(executor, 'commit', '-q', '-m', 'second')
    renameSync(join(executor.root, 'b/old name.txt'), join(executor.root, 'b/new name.txt'))
    executor.write('b/new name.txt', `${'one\ntwo\nthree\nfour\n'.repeat(8)}one\ntwo\nTHREE\nfour`)
    executor.write('caf\u00e9 1.txt', 'x\r\nz\r\n')
    executor.write('empty', '')
    chmodSync(join(executor.root, 'run.sh'), 0o755)
    rmSync(join(executor.root, 'sub/b.txt'))
    git(executor, 'add', '-A')
    const wanted = git(executor, 'write-tree')
    const patch = `${git(executor, ...options, 'diff', '--cached', '-M')}\n`
    expect(patch).toContain('rename from b/old name.txt')
    git(executor, 'reset', '-q', '--hard')
    const work = await executor.dispatch(apply(patch))
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done' })
    git(executor, 'add', '-A')
    expect(git(executor, 'write-tree')).toBe(wanted)
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    git(executor, 'add', '-A')
    expect(git(executor, 'status', '--porcelain')).toBe('')
  })

  it('is refused where its lines stand in another place, though git would take the nearest', async () => {
    await using executor = await withRepository()
    const body = '  x = 1\n  return x\n'
    const moved = `def a():\n${body}${'def c():\n  pass\n'.repeat(3)}def b():\n${body}`
    executor.write('f.py', moved)
    const patch = '--- a/f.py\n+++ b/f.py\n@@ -5,2 +5,2 @@\n-  x = 1\n+  x = 2\n   return x\n'
    expect(await executor.run(apply(patch))).toMatchObject({ effect: 'none', error: { code: 'precondition_failed' } })
    expect(executor.read('f.py')).toBe(moved)
  })

  it('is not undone over what somebody has changed since', async () => {
    const [opened, patch] = await withPatch()
    await using executor = opened
    const old = executor.read('a.txt')
    const work = await executor.dispatch(apply(patch))
    await executor.attempt(work)
    executor.write('a.txt', 'theirs')
    const { outcome, error } = await executor.undo(work)
    expect({ outcome, code: error?.code }).toEqual({ outcome: 'failed', code: 'undo_conflict' })
    expect([executor.read('a.txt'), executor.read('made/deep/c.sh')]).toEqual(['theirs', '#!/bin/sh\n'])
    // What the patch had met is kept, and where is told.
    const kept = error?.details?.kept as { path: string; file: string }[]
    expect(kept.map(({ path }) => path)).toEqual(['a.txt'])
    expect(readFileSync(kept[0]!.file, 'utf8')).toBe(old)
    expect(error?.message).toContain(kept[0]!.file)
  })

  it.each([
    ['outside', '--- a/../x\n+++ b/../x\n@@ -0,0 +1 @@\n+x\n', /invalid_request|path_outside_workspace/],
    ['into .git', '--- /dev/null\n+++ b/.git/hooks/pre-commit\n@@ -0,0 +1 @@\n+x\n', /invalid_request|protected_path/],
    ['into .npmrc', '--- /dev/null\n+++ b/.npmrc\n@@ -0,0 +1 @@\n+x\n', /protected_path/],
    [
      'that makes a link',
      'diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc\n\\ No newline at end of file\n',
      /invalid_request/,
    ],
    [
      'through a link',
      '--- /dev/null\n+++ b/link/x\n@@ -0,0 +1 @@\n+x\n',
      /path_outside_workspace|precondition_failed/,
    ],
    ['that does not fit', '--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-zwei\n+x\n', /precondition_failed/],
    ['that is none', 'hello\n', /invalid_request/],
  ])('refuses one %s', async (_, patch, code) => {
    await using executor = await withRepository()
    symlinkSync('/tmp', join(executor.root, 'link'))
    const { outcome, effect, error } = await executor.run(apply(patch))
    expect({ outcome, effect }).toEqual({ outcome: 'failed', effect: 'none' })
    expect(error?.code).toMatch(code)
    expect(git(executor, 'status', '--porcelain')).toBe('?? link')
  })
})
