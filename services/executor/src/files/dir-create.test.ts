import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { testExecutor } from '../../test/test-executor.ts'

const create = (path: string) => ({ kind: 'dir.create', input: { path } })

describe('creating a folder', () => {
  it('makes what is missing, and undoes only that', async () => {
    await using executor = await testExecutor()
    executor.write('a/there.txt', 'x')
    const work = await executor.dispatch(create('a/b/c'))
    expect(await executor.attempt(work)).toMatchObject({
      outcome: 'done',
      result: { data: { made: ['a/b', 'a/b/c'] } },
    })
    expect(await executor.run(create('a/b'))).toMatchObject({ outcome: 'done', effect: 'none' })
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect(existsSync(join(executor.root, 'a/b'))).toBe(false)
    expect(executor.read('a/there.txt')).toBe('x')
  })

  it('leaves a folder that somebody has put something into', async () => {
    await using executor = await testExecutor()
    const work = await executor.dispatch(create('a/b'))
    await executor.attempt(work)
    executor.write('a/theirs.txt', 'x')
    expect(await executor.undo(work)).toMatchObject({ outcome: 'failed', error: { code: 'undo_conflict' } })
    expect(executor.read('a/theirs.txt')).toBe('x')
  })
})
