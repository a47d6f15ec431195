// file.edit and file.append: one file rewritten, and brought back.
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dies } from '../../test/test-dies.ts'
import { testExecutor } from '../../test/test-executor.ts'
import { fileEdit } from './file-edit.ts'

const edit = (find: string, replace: string, more: object = {}) => ({
  kind: 'file.edit',
  input: { path: 'a.txt', find, replace, ...more },
})
const append = (text: string, path = 'a.txt') => ({ kind: 'file.append', input: { path, text } })

describe('editing a file', () => {
  it('replaces the exact text and nothing else, and is undone to the byte and the mode', async () => {
    await using executor = await testExecutor()
    const old = 'a.b a+b\r\n$& \\1 a.b\n'
    executor.write('a.txt', old)
    const path = join(executor.root, 'a.txt')
    chmodSync(path, 0o750)
    const work = await executor.dispatch(edit('a+b\r\n$&', '$& $1\n'))
    expect(await executor.attempt(work)).toMatchObject({
      outcome: 'done',
      effect: 'made',
      evidence: { outcome: 'verified' },
      result: { text: 'edited a.txt (1 place)', data: { replaced: 1 } },
    })
    expect(executor.read('a.txt')).toBe('a.b $& $1\n \\1 a.b\n')
    expect(statSync(path).mode & 0o777).toBe(0o750)
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
    expect(executor.read('a.txt')).toBe(old)
    expect(statSync(path).mode & 0o777).toBe(0o750)
  })

  it.each([
    [{ times: 3 }, 'x x x', 'y y y'],
    [{ times: 'all' }, 'x x x', 'y y y'],
    [{ times: 'all' }, 'x', 'y'],
  ])('replaces it as often as it is to be there: %j', async (more, old, now) => {
    await using executor = await testExecutor()
    executor.write('a.txt', old)
    expect(await executor.run(edit('x', 'y', more))).toMatchObject({ outcome: 'done' })
    expect(executor.read('a.txt')).toBe(now)
  })

  it.each([
    [
      'x',
      {},
      'a\nx\nb x\n',
      '"x" occurs 2 times in a.txt, not once: at line 2, 3; find more of its surroundings, or say how often with times',
    ],
    ['x', { times: 3 }, 'x', '"x" occurs once in a.txt, not 3 times: at line 1;'],
    ['x', {}, 'a', '"x" occurs 0 times in a.txt, not once'],
    ['x', { times: 'all' }, 'a', '"x" occurs 0 times in a.txt, not at least once'],
    ['a\nb', {}, 'a\r\nb', 'occurs 0 times in a.txt, not once: it is there with other line breaks'],
    ['  a', {}, '\ta', 'occurs 0 times in a.txt, not once: it is there with other spaces around it'],
    ['x', {}, 'x\0', 'a.txt is not text'],
  ])('refuses %j with %j, and says how often it was found', async (find, more, content, message) => {
    await using executor = await testExecutor()
    executor.write('a.txt', content)
    const { outcome, effect, error } = await executor.run(edit(find, 'y', more))
    expect({ outcome, effect, code: error?.code }).toEqual({
      outcome: 'failed',
      effect: 'none',
      code: 'precondition_failed',
    })
    expect(error?.message).toContain(message)
    expect(executor.read('a.txt')).toBe(content)
  })

  it('keeps the encoding of the file, and refuses what it cannot say', async () => {
    await using executor = await testExecutor()
    const path = join(executor.root, 'a.txt')
    for (const encoding of ['latin1', 'utf16le'] as const) {
      const mark = encoding === 'latin1' ? '' : '\ufeff'
      writeFileSync(path, Buffer.from(`${mark}grün ö\n`, encoding))
      expect(await executor.run(edit('grün', 'blaß'))).toMatchObject({ outcome: 'done' })
      expect(readFileSync(path).equals(Buffer.from(`${mark}blaß ö\n`, encoding))).toBe(true)
      expect(await executor.run(append('ä'))).toMatchObject({ outcome: 'done' })
      expect(readFileSync(path).equals(Buffer.from(`${mark}blaß ö\nä\n`, encoding))).toBe(true)
    }
    writeFileSync(path, Buffer.from('grün\n', 'latin1'))
    for (const action of [edit('grün', '漢'), append('漢')])
      expect(await executor.run(action)).toMatchObject({ error: { code: 'precondition_failed' } })
  })

  it('shows what will change before it does', async () => {
    await using executor = await testExecutor()
    executor.write('a.txt', 'one\ntwo\n')
    const context = { workspace: { root: executor.root, base: [] } } as never
    expect(fileEdit.diff?.({ path: 'a.txt', find: 'two', replace: 'zwei', times: 1 }, context)).toBe(
      '--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+zwei',
    )
  })
})

describe('appending to a file', () => {
  it.each([
    ['one\n', 'two', 'one\ntwo\n'],
    ['one', 'two', 'one\ntwo\n'],
    ['one\n', 'two\n', 'one\ntwo\n'],
    ['one\r\n', 'two\nthree', 'one\r\ntwo\r\nthree\r\n'],
    ['one\r\ntwo', 'three', 'one\r\ntwo\r\nthree\r\n'],
    ['', 'two', 'two\n'],
    ['one\n', '\n', 'one\n\n'],
  ])('adds whole lines: to %j the text %j gives %j', async (old, text, now) => {
    await using executor = await testExecutor()
    executor.write('a.txt', old)
    const work = await executor.dispatch(append(text))
    expect(await executor.attempt(work)).toMatchObject({ outcome: 'done', effect: 'made' })
    expect(executor.read('a.txt')).toBe(now)
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
    expect(executor.read('a.txt')).toBe(old)
  })

  it('creates the file and its folders where they are missing, and its undo removes them', async () => {
    await using executor = await testExecutor()
    const work = await executor.dispatch(append('first', 'logs/new.txt'))
    expect(await executor.attempt(work)).toMatchObject({
      outcome: 'done',
      result: { text: 'created logs/new.txt (1 line)' },
    })
    expect(executor.read('logs/new.txt')).toBe('first\n')
    expect(await executor.undo(work)).toMatchObject({ outcome: 'done' })
    expect(existsSync(join(executor.root, 'logs'))).toBe(false)
  })

  it('adds the lines again when it is asked for again', async () => {
    await using executor = await testExecutor()
    await executor.run(append('x'))
    await executor.run({ ...append('x'), already_so: 'skip' })
    expect(executor.read('a.txt')).toBe('x\nx\n')
  })
})

const CASES = [
  { ...edit('old', 'new'), now: 'a new b\n' },
  { ...append('new'), now: 'a old b\nnew\n' },
]

describe.each(CASES)('$kind', ({ now, ...action }) => {
  it.each(['before_effect', 'after_effect'] as const)('leaves one effect when it is killed (%s)', async (at) => {
    await using executor = await testExecutor()
    executor.write('a.txt', 'a old b\n')
    const work = await executor.dispatch(action)
    await dies(executor, work, at)
    const retried = await executor.dispatch(action, { after: work })
    expect(await executor.attempt(retried)).toMatchObject({ outcome: 'done', evidence: { outcome: 'verified' } })
    expect(executor.read('a.txt')).toBe(now)
    expect(await executor.undo(retried)).toMatchObject({ outcome: 'done' })
    expect(executor.read('a.txt')).toBe('a old b\n')
  })

  it('does not do it over what somebody has written since it died, and its undo leaves that alone', async () => {
    await using executor = await testExecutor()
    executor.write('a.txt', 'a old b\n')
    const work = await executor.dispatch(action)
    await dies(executor, work, 'after_effect')
    executor.write('a.txt', 'theirs, not old\n')
    const retried = await executor.dispatch(action, { after: work })
    expect(await executor.attempt(retried)).toMatchObject({ outcome: 'failed' })
    expect(executor.read('a.txt')).toBe('theirs, not old\n')
    expect(await executor.undo(retried)).toMatchObject({ outcome: 'failed', error: { code: 'undo_conflict' } })
    expect(executor.read('a.txt')).toBe('theirs, not old\n')
  })

  it.each([
    ['../a.txt', 'path_outside_workspace'],
    ['.git/config', 'protected_path'],
    ['.', 'not_a_regular_file'],
    ['folder', 'not_a_regular_file'],
  ])('is refused for %s', async (path, code) => {
    await using executor = await testExecutor()
    executor.write('folder/a.txt', 'old')
    const { outcome, effect, error } = await executor.run({ ...action, input: { ...action.input, path } as never })
    expect({ outcome, effect, code: error?.code }).toEqual({ outcome: 'failed', effect: 'none', code })
  })
})
