import { describe, expect, it } from 'vitest'
import { git, HAS_GIT, withoutGit, withRepository } from '../../test/test-repository.ts'

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
