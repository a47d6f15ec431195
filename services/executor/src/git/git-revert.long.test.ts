// git.revert on real repositories, observed by git as a person at the machine runs it.
import { chmodSync, existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dies } from '../../test/test-dies.ts'
import { type TestExecutor, testExecutor } from '../../test/test-executor.ts'
import { git, HAS_GIT, index, inGit, withoutGit, withRepository } from '../../test/test-repository.ts'
import { mergeLines } from './merge-lines.ts'

const revert = (more: object = {}) => ({ kind: 'git.revert', input: { ...more } })

/** The second commit changes, adds and deletes, and makes a program of a file. */
async function withSecond(): Promise<TestExecutor> {
  const executor = await withRepository()
  executor.write('a.txt', 'one\nTWO\nthree\n')
  executor.write('new/c.txt', 'c\n')
  executor.write('run.sh', '#!/bin/sh\n')
  git(executor, 'rm', '-q', 'sub/b.txt')
  chmodSync(join(executor.root, 'run.sh'), 0o755)
  git(executor, 'add', '-A')
  git(executor, 'commit', '-q', '-m', 'second\n\nwith a body')
  return executor
}

const treeOf = (executor: TestExecutor, commit: string): string => git(executor, 'rev-parse', `${commit}^{tree}`)

describe.skipIf(!HAS_GIT)(`a commit that is reverted${withoutGit}`, () => {
  it('leaves the tree that was there before it, in a new commit, and is undone to the byte', async () => {
    await using executor = await withSecond()
    const [second, before] = [git(executor, 'rev-parse', 'HEAD'), index(executor)]
    const work = await executor.dispatch(revert())
    expect(await executor.attempt(work)).toMatchObject({
      outcome: 'done',
      effect: 'made',
      result: { data: { reverted: second, parent: second } },
      evidence: { outcome: 'verified' },
    })
    expect(treeOf(executor, 'HEAD')).toBe(treeOf(executor, 'HEAD~2'))
    expect(git(executor, 'log', '-1', '--format=%P %B')).toBe(
      `${second} Revert "second"\n\nThis reverts commit ${second}.`,
    )
    expect(git(executor, 'status', '--porcelain')).toBe('')
    expect(git(executor, 'fsck', '--strict')).toBe('')
    expect([executor.read('a.txt'), executor.read('sub/b.txt')]).toEqual(['one\ntwo\nthree\n', 'b\n'])
    expect([executor.read('new/c.txt'), executor.read('run.sh')]).toEqual([undefined, undefined])

    expect(await executor.undo(work)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
    expect(git(executor, 'rev-parse', 'HEAD')).toBe(second)
    expect(index(executor)).toBe(before)
    expect(git(executor, 'status', '--porcelain')).toBe('')
    expect([executor.read('a.txt'), executor.read('sub/b.txt')]).toEqual(['one\nTWO\nthree\n', undefined])
    expect(statSync(join(executor.root, 'run.sh')).mode & 0o777).toBe(0o755)
  })

  it('keeps what later commits changed elsewhere in the same file, and what else is staged', async () => {
    await using executor = await testExecutor()
    git(executor, 'init', '-q', '-b', 'main')
    const lines = Array.from({ length: 20 }, (_, at) => `line ${at}\n`)
    const commit = (message: string, changed: readonly string[]) => {
      executor.write('a.txt', changed.join(''))
      git(executor, 'add', '.')
      git(executor, 'commit', '-q', '-m', message)
    }
    commit('first', lines)
    commit('second', lines.with(10, 'changed\n'))
    const second = git(executor, 'rev-parse', 'HEAD')
    commit('third', ['above\n', ...lines.with(10, 'changed\n')])
    executor.write('staged.txt', 'theirs\n')
    git(executor, 'add', 'staged.txt')
    expect(await executor.run(revert({ commit: second }))).toMatchObject({ outcome: 'done' })
    expect(executor.read('a.txt')).toBe(['above\n', ...lines].join(''))
    expect(git(executor, 'show', 'HEAD:a.txt')).toBe(['above\n', ...lines].join('').trim())
    expect(git(executor, 'status', '--porcelain')).toBe('A  staged.txt')

    const soAlready = { outcome: 'done', effect: 'none', evidence: { already_so: true } }
    expect(await executor.run(revert({ commit: second }))).toMatchObject(soAlready)
    commit('fourth', ['above\n', ...lines.with(0, 'again\n')])
    git(executor, 'revert', '--no-edit', 'HEAD')
    expect(await executor.run(revert({ commit: 'HEAD~1' }))).toMatchObject(soAlready)
  })

  it('is refused where a later commit changed the same lines, and nothing is touched', async () => {
    await using executor = await withSecond()
    executor.write('a.txt', 'one\nzwei\nthree\n')
    git(executor, 'commit', '-q', '-a', '-m', 'third')
    const before = [index(executor), git(executor, 'rev-parse', 'HEAD')]
    const { outcome, effect, error } = await executor.run(revert({ commit: 'HEAD~1' }))
    expect({ outcome, effect, code: error?.code }).toEqual({
      outcome: 'failed',
      effect: 'none',
      code: 'precondition_failed',
    })
    expect(error?.message).toContain('a.txt was changed since in the same place')
    expect([index(executor), git(executor, 'rev-parse', 'HEAD')]).toEqual(before)
    expect(git(executor, 'status', '--porcelain')).toBe('')
    expect(existsSync(inGit(executor, 'REVERT_HEAD'))).toBe(false)
  })

  it.each(['before_effect', 'after_effect'] as const)('is reverted once where an attempt died %s', async (at) => {
    await using executor = await withSecond()
    const work = await executor.dispatch(revert())
    await dies(executor, work, at)
    expect(await executor.run(work.action, { after: work })).toMatchObject({ outcome: 'done' })
    expect(git(executor, 'rev-list', '--count', 'HEAD')).toBe('3')
    expect(treeOf(executor, 'HEAD')).toBe(treeOf(executor, 'HEAD~2'))
    expect(git(executor, 'status', '--porcelain')).toBe('')
  })

  it('is reverted once where an attempt died between the files, the branch and the index', async () => {
    await using executor = await withSecond()
    const before = Buffer.from(index(executor), 'base64')
    const work = await executor.dispatch(revert())
    await dies(executor, work, 'after_effect')
    // The branch has moved; one file and the index have not.
    writeFileSync(inGit(executor, 'index'), before)
    executor.write('a.txt', 'one\nTWO\nthree\n')
    expect(await executor.run(work.action, { after: work })).toMatchObject({ outcome: 'done' })
    expect(git(executor, 'rev-list', '--count', 'HEAD')).toBe('3')
    expect(git(executor, 'status', '--porcelain')).toBe('')

    await using other = await withSecond()
    const begun = await other.dispatch(revert())
    await dies(other, begun, 'before_effect')
    other.write('a.txt', 'one\ntwo\nthree\n')
    expect(await other.run(begun.action, { after: begun })).toMatchObject({ outcome: 'done' })
    expect(git(other, 'rev-list', '--count', 'HEAD')).toBe('3')
    expect(git(other, 'status', '--porcelain')).toBe('')
  })

  it('is left alone by the undo where somebody has changed a file, or committed on it', async () => {
    await using executor = await withSecond()
    const work = await executor.dispatch(revert())
    await executor.attempt(work)
    executor.write('a.txt', 'theirs\n')
    const refused = await executor.dispatch(work.action, { after: work, intent: 'undo' })
    expect(await executor.attempt(refused)).toMatchObject({ error: { code: 'undo_conflict' } })
    expect(executor.read('a.txt')).toBe('theirs\n')
    git(executor, 'checkout', '-q', '--', 'a.txt')
    git(executor, 'commit', '-q', '--allow-empty', '-m', 'theirs')
    const again = await executor.dispatch(work.action, { after: refused, intent: 'undo' })
    expect(await executor.attempt(again)).toMatchObject({ outcome: 'failed', error: { code: 'undo_conflict' } })
    expect(git(executor, 'log', '-1', '--format=%s')).toBe('theirs')
  })

  it('may be the first one of a repository below the workspace, which then has no file', async () => {
    await using executor = await testExecutor()
    mkdirSync(join(executor.root, 'repo'))
    git(executor, '-C', 'repo', 'init', '-q', '-b', 'main')
    executor.write('repo/a.bin', 'a\0b')
    git(executor, '-C', 'repo', 'add', '.')
    git(executor, '-C', 'repo', 'commit', '-q', '-m', 'first')
    const work = await executor.dispatch(revert({ repository: 'repo' }))
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done' })
    expect(git(executor, '-C', 'repo', 'ls-files')).toBe('')
    expect(executor.read('repo/a.bin')).toBeUndefined()
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect(executor.read('repo/a.bin')).toBe('a\0b')
  })

  it('keeps line breaks that git turns, or says that it cannot', async () => {
    await using executor = await withRepository()
    git(executor, 'config', 'core.autocrlf', 'true')
    executor.write('a.txt', 'one\r\nTWO\r\nthree\r\n')
    git(executor, 'commit', '-q', '-a', '-m', 'second')
    expect(await executor.run(revert())).toMatchObject({
      effect: 'none',
      error: { code: 'precondition_failed', message: expect.stringContaining('a.txt') },
    })
    expect(executor.read('a.txt')).toBe('one\r\nTWO\r\nthree\r\n')
  })

  it.each<[string, (executor: TestExecutor) => void, object, string]>([
    ['that is not there', () => undefined, { commit: 'v9' }, 'not_found'],
    ['whose name is an option', () => undefined, { commit: '--all' }, 'invalid_request'],
    ['whose file is changed', (one) => one.write('a.txt', 'mine\n'), {}, 'precondition_failed'],
    ['whose deleted file is there again', (one) => one.write('sub/b.txt', 'mine\n'), {}, 'precondition_failed'],
    [
      'of another branch',
      (one) => {
        git(one, 'switch', '-q', '-c', 'other', 'HEAD~1')
        git(one, 'branch', '-q', 'tip', 'main')
      },
      { commit: 'tip' },
      'precondition_failed',
    ],
    [
      'that is a merge',
      (one) => {
        git(one, 'switch', '-q', '-c', 'side', 'HEAD~1')
        git(one, 'commit', '-q', '--allow-empty', '-m', 'side')
        git(one, 'switch', '-q', 'main')
        git(one, 'merge', '-q', '--no-edit', 'side')
      },
      {},
      'invalid_request',
    ],
    [
      'that makes a symbolic link',
      (one) => {
        symlinkSync('a.txt', join(one.root, 'link'))
        git(one, 'add', 'link')
        git(one, 'commit', '-q', '-m', 'link')
      },
      {},
      'invalid_request',
    ],
    ['while a merge waits', (one) => writeFileSync(inGit(one, 'MERGE_HEAD'), 'x'), {}, 'precondition_failed'],
  ])('is refused: one %s', async (_, prepare, more, code) => {
    await using executor = await withSecond()
    prepare(executor)
    const [head, status] = [git(executor, 'rev-parse', 'HEAD'), git(executor, 'status', '--porcelain')]
    expect(await executor.run(revert(more))).toMatchObject({ outcome: 'failed', effect: 'none', error: { code } })
    expect([git(executor, 'rev-parse', 'HEAD'), git(executor, 'status', '--porcelain')]).toEqual([head, status])
  })
})

describe('two changes of one text', () => {
  it.each([
    ['in other lines are both kept', 'a b c d e', 'X b c d e', 'a b c d Y', 'X b c d Y'],
    ['in the same line contradict', 'a b c', 'a X c', 'a Y c', undefined],
    ['in neighbouring lines contradict', 'a b c', 'X b c', 'a Y c', undefined],
    ['that are the same are made once', 'a b c', 'a X c', 'a X c', 'a X c'],
    ['are both kept where lines were added above and deleted below', 'a b c d', 'n a b c d', 'a b c', 'n a b c'],
    ['contradict where one deletes what the other changes', 'a b c', 'a c', 'a X c', undefined],
    ['are one where only one side has changed', 'a b', 'a b', 'b', 'b'],
  ])('%s', (_, base, ours, theirs, merged) => {
    const text = (words: string) => words.split(' ').join('\n').concat('\n')
    expect(mergeLines(text(base), text(ours), text(theirs))).toBe(merged && text(merged))
  })
})
