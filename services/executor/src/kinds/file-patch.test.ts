import { chmodSync, existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { testExecutor } from '../test-executor.ts'

const DIFF = '--- a/src/a.ts\n+++ b/src/a.ts\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n'
const patch = (diff = DIFF, path = 'src/a.ts') => ({ kind: 'file.patch', input: { path, diff } })

describe('patching a file', () => {
  it('changes what the diff says and nothing else, and is undone to the byte', async () => {
    await using executor = await testExecutor()
    executor.write('src/a.ts', 'one\ntwo\nthree\nfour')
    chmodSync(join(executor.root, 'src/a.ts'), 0o755)
    const work = await executor.dispatch(patch())
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done', effect: 'made' })
    expect(executor.read('src/a.ts')).toBe('one\nTWO\nthree\nfour')
    expect(statSync(join(executor.root, 'src/a.ts')).mode & 0o777).toBe(0o755)
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
    expect(executor.read('src/a.ts')).toBe('one\ntwo\nthree\nfour')
    expect(statSync(join(executor.root, 'src/a.ts')).mode & 0o777).toBe(0o755)
  })

  it('does nothing where it is applied already', async () => {
    await using executor = await testExecutor()
    executor.write('src/a.ts', 'one\nTWO\nthree\n')
    expect(await executor.run(patch())).toMatchObject({
      outcome: 'done',
      effect: 'none',
      evidence: { already_so: true },
    })
  })

  it('makes a file that the diff has whole, and removes it and its folder on undo', async () => {
    await using executor = await testExecutor()
    const work = await executor.dispatch(patch('--- /dev/null\n+++ b/new/x\n@@ -0,0 +1,2 @@\n+a\n+b\n', 'new/x'))
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done' })
    expect(executor.read('new/x')).toBe('a\nb\n')
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect(existsSync(join(executor.root, 'new'))).toBe(false)
  })

  it('is not undone over what somebody has written since', async () => {
    await using executor = await testExecutor()
    executor.write('src/a.ts', 'one\ntwo\nthree\n')
    const work = await executor.dispatch(patch())
    await executor.attempt(work)
    executor.write('src/a.ts', 'theirs')
    expect(await executor.undo(work)).toMatchObject({ outcome: 'failed', error: { code: 'undo_conflict' } })
    expect(executor.read('src/a.ts')).toBe('theirs')
  })

  it.each([
    ['where the context differs', patch(), 'one\nzwei\nthree\n', 'precondition_failed'],
    ['to a file that is not there', patch(DIFF, 'other/src/a.ts'), 'x', 'precondition_failed'],
    ['that is of another file', patch(DIFF, 'src/b.ts'), 'x', 'invalid_request'],
    [
      'that makes a file that is there',
      patch('--- /dev/null\n+++ b/src/a.ts\n@@ -0,0 +1 @@\n+a\n'),
      'a\nb\n',
      'precondition_failed',
    ],
    ['outside of the workspace', patch(DIFF.replaceAll('src', '..'), '../a.ts'), 'x', 'path_outside_workspace'],
    ['to what is protected', patch('@@ -0,0 +1 @@\n+a\n', '.git/config'), 'x', 'protected_path'],
  ])('refuses a diff %s', async (_, action, content, code) => {
    await using executor = await testExecutor()
    executor.write('src/a.ts', content)
    expect(await executor.run(action)).toMatchObject({ outcome: 'failed', effect: 'none', error: { code } })
    expect(executor.read('src/a.ts')).toBe(content)
  })
})
