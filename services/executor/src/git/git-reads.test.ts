import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject } from '@deed/proto/json'
import { registerSecret } from '@deed/telemetry/redact'
import { describe, expect, it } from 'vitest'
import type { TestExecutor } from '../../test/test-executor.ts'
import { git, HAS_GIT, index, withoutGit, withRepository } from '../../test/test-repository.ts'

const read = async (executor: TestExecutor, kind: string, input: JsonObject = {}) =>
  executor.run({ kind: `git.${kind}`, input })

describe.skipIf(!HAS_GIT)(`what is read of a repository${withoutGit}`, () => {
  it('is its branch and each changed, staged, deleted and new path; the index is not even refreshed', async () => {
    await using executor = await withRepository()
    expect(await read(executor, 'status')).toMatchObject({
      outcome: 'done',
      effect: 'none',
      evidence: { outcome: 'verified' },
      result: { text: expect.stringMatching(/^on main at [0-9a-f]{12}: nothing has changed since the commit$/) },
    })
    executor.write('a.txt', 'changed\n')
    executor.write('new file.txt', 'new\n')
    executor.write('staged.txt', 'staged\n')
    git(executor, 'add', 'staged.txt')
    git(executor, 'rm', '-q', '--cached', 'sub/b.txt')
    const before = index(executor)
    const { result } = await read(executor, 'status')
    expect(result?.text.split('\n').slice(1)).toEqual([
      'changed a.txt',
      'added (staged) staged.txt',
      'deleted (staged) sub/b.txt',
      'new new file.txt',
      'new sub/',
    ])
    expect(result?.data).toMatchObject({ branch: 'main', change_count: 5 })
    expect(index(executor)).toBe(before)
  })

  it('is its newest commits, or those that changed one path', async () => {
    await using executor = await withRepository()
    executor.write('sub/b.txt', 'B\n')
    git(executor, 'commit', '-q', '-a', '-m', 'second\n\nwith a body')
    const head = git(executor, 'rev-parse', 'HEAD')
    expect(await read(executor, 'log')).toMatchObject({
      outcome: 'done',
      effect: 'none',
      result: { data: { commits: [{ commit: head, author: 'Ann', subject: 'second' }, { subject: 'first' }] } },
    })
    const found = async (input: JsonObject) => {
      const { result } = await read(executor, 'log', input)
      return (result!.data as { commits: JsonObject[] }).commits.map(({ subject }) => subject)
    }
    expect(await found({ max: 1 })).toEqual(['second'])
    expect(await found({ path: 'a.txt' })).toEqual(['first'])
    expect(await found({ from: 'HEAD~1' })).toEqual(['first'])
  })

  it('is how the files differ from a commit, or one commit from another, without secrets', async () => {
    await using executor = await withRepository()
    registerSecret('hunter2-of-the-diff')
    executor.write('a.txt', 'one\nhunter2-of-the-diff\nthree\n')
    const { result, outcome } = await read(executor, 'diff')
    expect(outcome).toBe('done')
    expect(result?.text).toContain('1 file with +1 -1 lines from HEAD\ndiff --git a/a.txt b/a.txt')
    expect(result?.text).toContain('-two\n+[redacted]')
    expect(JSON.stringify(result)).not.toContain('hunter2')
    expect(result?.data).toEqual({
      files: [{ path: 'a.txt', added: 1, removed: 1 }],
      file_count: 1,
      truncated: false,
    })
    git(executor, 'commit', '-q', '-a', '-m', 'second')
    expect(await read(executor, 'diff')).toMatchObject({ result: { text: 'nothing differs from HEAD' } })
    expect(await read(executor, 'diff', { from: 'HEAD~1', to: 'HEAD', path: 'sub' })).toMatchObject({
      result: { text: 'nothing differs between HEAD~1 and HEAD' },
    })
    expect(await read(executor, 'diff', { from: 'HEAD~1', to: 'HEAD' })).toMatchObject({
      result: { data: { file_count: 1 } },
    })
  })

  it.each(['assume-unchanged', 'skip-worktree'])(
    'names files whose changes git is set to ignore (%s)',
    async (mark) => {
      await using executor = await withRepository()
      git(executor, 'update-index', `--${mark}`, 'a.txt')
      executor.write('a.txt', 'changed\n')
      expect(await read(executor, 'status')).toMatchObject({
        result: {
          text: expect.stringMatching(/git is set to ignore changes of a\.txt$/),
          data: { change_count: 0, unseen: ['a.txt'] },
        },
      })
      expect(await read(executor, 'diff')).toMatchObject({
        result: { text: expect.stringContaining('ignore changes of a.txt') },
      })
    },
  )

  it('is bounded, and says what is left out', async () => {
    await using executor = await withRepository()
    executor.write('a.txt', 'another line\n'.repeat(20_000))
    const { result } = await read(executor, 'diff')
    expect(result?.text.length).toBeLessThan(65_000)
    expect(result?.text).toMatch(/\.\.\. and more than is shown$/)
    expect(result?.data).toMatchObject({ truncated: true })
  })

  it('runs no program that the repository names', async () => {
    await using executor = await withRepository()
    const trap = join(executor.root, '..', 'ran')
    const program = join(executor.root, '..', 'trap.sh')
    writeFileSync(program, `#!/bin/sh\ntouch ${trap}\n`)
    chmodSync(program, 0o755)
    for (const key of [
      'core.fsmonitor',
      'diff.external',
      'diff.x.textconv',
      'diff.x.command',
      'core.pager',
      'gpg.program',
    ])
      git(executor, 'config', key, program)
    git(executor, 'config', 'log.showSignature', 'true')
    executor.write('.gitattributes', '*.txt diff=x\n')
    executor.write('a.txt', 'changed\n')
    for (const kind of ['status', 'log', 'diff']) expect(await read(executor, kind)).toMatchObject({ outcome: 'done' })
    expect(existsSync(trap)).toBe(false)
  })

  it.each([
    ['status', { repository: 'sub' }, 'not_found'],
    ['status', { repository: '..' }, 'path_outside_workspace'],
    ['log', { from: 'v9' }, 'not_found'],
    ['log', { path: '../x' }, 'path_outside_workspace'],
    ['diff', { from: '--output=x' }, 'invalid_request'],
    ['diff', { to: 'v9' }, 'not_found'],
  ])('is nothing where git.%s is given %j', async (kind, input, code) => {
    await using executor = await withRepository()
    expect(await read(executor, kind, input as JsonObject)).toMatchObject({
      outcome: 'failed',
      effect: 'none',
      error: { code },
    })
  })
})
