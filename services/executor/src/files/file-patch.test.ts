import { chmodSync, existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { testExecutor } from '../../test/test-executor.ts'
import { unifiedDiff } from './unified-diff.ts'

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

  it('is made where the diff says, never where the same lines are as well', async () => {
    await using executor = await testExecutor()
    const [body, between] = ['  x = 1\n  return x\n', 'def c():\n  pass\n']
    const moved = `def a():\n${body}${between}${between}${between}def b():\n${body}`
    executor.write('src/f.py', moved)
    // Made when b was four lines above: a is nearer to where it says than b.
    const diff = '--- a/src/f.py\n+++ b/src/f.py\n@@ -5,2 +5,2 @@\n-  x = 1\n+  x = 2\n   return x\n'
    const { error } = await executor.run(patch(diff, 'src/f.py'))
    expect(error).toMatchObject({ code: 'precondition_failed' })
    expect(error?.message).toContain('at line 2 and 11')
    expect(executor.read('src/f.py')).toBe(moved)
  })

  it('takes what people have their git write: prefixes, and the mode', async () => {
    await using executor = await testExecutor()
    executor.write('src/a.sh', 'one\r\ntwo\r\n')
    const diff =
      'diff --git i/src/a.sh w/src/a.sh\nold mode 100644\nnew mode 100755\nindex 1..2\n--- i/src/a.sh\n+++ w/src/a.sh\n@@ -1,2 +1,2 @@\n one\r\n-two\r\n+zwei\r\n\\ No newline at end of file\n'
    const work = await executor.dispatch(patch(diff, 'src/a.sh'))
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done' })
    expect(executor.read('src/a.sh')).toBe('one\r\nzwei\r')
    expect(statSync(join(executor.root, 'src/a.sh')).mode & 0o777).toBe(0o755)
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect(executor.read('src/a.sh')).toBe('one\r\ntwo\r\n')
    expect(statSync(join(executor.root, 'src/a.sh')).mode & 0o777).toBe(0o644)
  })

  it('shows the very lines that change, each place by itself', () => {
    const lines = Array.from({ length: 40 }, (_, i) => `line ${i}`)
    const old = `${lines.join('\n')}\n`
    const shown = unifiedDiff('a.txt', old, old.replace('line 3\n', 'LINE 3\n').replace('line 33\n', 'LINE 33\n'))
    expect(shown?.split('\n').filter((line) => /^[-+@]/.test(line))).toEqual([
      '--- a/a.txt',
      '+++ b/a.txt',
      '@@ -1,7 +1,7 @@',
      '-line 3',
      '+LINE 3',
      '@@ -31,7 +31,7 @@',
      '-line 33',
      '+LINE 33',
    ])
    const other = Array.from({ length: 3_000 }, (_, i) => `${i}\n`).join('')
    expect(unifiedDiff('a.txt', old, other)?.split('\n').slice(0, 4)).toEqual([
      '--- a/a.txt',
      '+++ b/a.txt',
      '@@ -1,40 +0,0 @@',
      '-line 0',
    ])
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
