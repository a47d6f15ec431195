import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { testExecutor } from '../test-executor.ts'

const remove = (path: string) => ({ kind: 'file.delete', input: { path } })

describe('deleting a file', () => {
  it('leaves no file, and is undone to the byte and the mode', async () => {
    await using executor = await testExecutor()
    const bytes = `large ${'\u0000x'.repeat(40_000)}`
    executor.write('a/run.sh', bytes)
    chmodSync(join(executor.root, 'a/run.sh'), 0o750)
    const work = await executor.dispatch(remove('a/run.sh'))
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done', effect: 'made' })
    expect(existsSync(join(executor.root, 'a/run.sh'))).toBe(false)
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect(executor.read('a/run.sh')).toBe(bytes)
    expect(statSync(join(executor.root, 'a/run.sh')).mode & 0o777).toBe(0o750)
  })

  it('does nothing where there is none', async () => {
    await using executor = await testExecutor()
    expect(await executor.run(remove('a.txt'))).toMatchObject({
      outcome: 'done',
      effect: 'none',
      evidence: { already_so: true },
    })
  })

  it('is not undone over a file that somebody has made since', async () => {
    await using executor = await testExecutor()
    executor.write('a.txt', 'mine')
    const work = await executor.dispatch(remove('a.txt'))
    await executor.attempt(work)
    executor.write('a.txt', 'theirs')
    expect(await executor.undo(work)).toMatchObject({ outcome: 'failed', error: { code: 'undo_conflict' } })
    expect(executor.read('a.txt')).toBe('theirs')
  })

  it.each([
    ['../a.txt', 'path_outside_workspace'],
    ['.git/config', 'protected_path'],
    ['folder', 'not_a_regular_file'],
  ])('refuses %s', async (path, code) => {
    await using executor = await testExecutor()
    mkdirSync(join(executor.root, 'folder'))
    expect(await executor.run(remove(path))).toMatchObject({ outcome: 'failed', effect: 'none', error: { code } })
    expect(existsSync(join(executor.root, 'folder'))).toBe(true)
  })
})
