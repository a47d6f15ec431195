import { chmodSync, existsSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dies } from '../../test/test-dies.ts'
import type { TestExecutor } from '../../test/test-executor.ts'
import { git, HAS_GIT, withoutGit, withRepository } from '../../test/test-repository.ts'
import { readTree, treeLimits } from '../files/tree.ts'

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

  it('is refused where its lines are in another place, though git would take the nearest', async () => {
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
