import { randomUUID } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
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
import { inspectAction } from '../handlers/inspect-action.ts'

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

  it('leaves nothing unseen of a file that was changed within the second in which git wrote its index', async () => {
    await using executor = await withRepository()
    git(executor, 'config', 'core.trustctime', 'false')
    const second = new Date(Math.floor(Date.now() / 1_000) * 1_000 - 60_000)
    const [file, indexFile] = [join(executor.root, 'a.txt'), inGit(executor, 'index')]
    utimesSync(file, second, second)
    git(executor, 'update-index', '--refresh')
    utimesSync(indexFile, second, second)
    executor.write('a.txt', 'one\nTWO\nthree\n')
    utimesSync(file, second, second)
    const work = await executor.dispatch(commit(['a.txt']))
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done', effect: 'made' })
    expect(git(executor, 'status', '--porcelain')).toBe('')
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect(git(executor, 'status', '--porcelain')).toBe('M a.txt')
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
    const poll = async () => {
      const scope = { deadline: performance.now() + 60_000 } as Parameters<typeof inspect>[1]
      const actions = [Action.parse(commit(['a.txt']))]
      return (await inspect({ execution_id: ExecutionId.parse(randomUUID()), actions }, scope)) as object
    }
    const refused = {
      inspections: [{ error: { code: 'effect_failed', message: expect.stringContaining('index.lock') } }],
    }
    writeFileSync(lock, '')
    expect(await poll()).not.toMatchObject(refused)
    const hourAgo = Date.now() / 1_000 - 3_600
    const held = openSync(lock, 'r')
    utimesSync(lock, hourAgo, hourAgo)
    expect(await poll()).not.toMatchObject(refused)
    closeSync(held)
    // Where a git of another user works for a moment, nobody can see whether it holds the lock.
    const isRefused = async () => JSON.stringify(await poll()).includes('"code":"effect_failed"')
    await until(isRefused, { what: 'a lock that no process holds' })
    expect(await poll()).toMatchObject(refused)
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
