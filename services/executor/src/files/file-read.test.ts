// Reading, listing and searching: what is answered, what is hidden, what is bounded, and what a second reading shows.
import { execFileSync } from 'node:child_process'
import { appendFileSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { registerSecret } from '@deed/telemetry/redact'
import { describe, expect, it } from 'vitest'
import { testAttempt } from '../../test/test-attempt.ts'
import { type TestExecutor, testExecutor } from '../../test/test-executor.ts'
import { contextOf } from '../attempt/context.ts'
import type { Kind } from '../kind/kind.ts'
import { KINDS } from '../kinds/kinds.ts'

const read = (path: string, more: object = {}) => ({ kind: 'file.read', input: { path, ...more } })
const SECRET = 'correct-horse-42'
registerSecret(SECRET)

/** What one reading and a second one make of a change between them. */
async function again(executor: TestExecutor, { kind, input }: { kind: string; input: object }, change: () => void) {
  const work = await executor.dispatch({ kind, input: input as never })
  const context = contextOf(testAttempt(work), executor.world, executor.dependencies.ledger)
  const known = KINDS.get(kind) as Kind
  const given = known.input.parse(input)
  const effect = await known.execute(given, context, { state: 'read' })
  change()
  const second = await known.again!(given, context, effect)
  const third = await known.again!(given, context, effect)
  return { second, third, text: (second.result ?? effect.result).text, effect }
}

describe('reading a file', () => {
  it('gives its text first, and is proved by opening it again', async () => {
    await using executor = await testExecutor()
    executor.write('notes.txt', 'one\r\ntwo\n')
    expect(await executor.run(read('notes.txt'))).toMatchObject({
      outcome: 'done',
      effect: 'none',
      result: {
        text: 'one\r\ntwo',
        data: { content: 'one\r\ntwo\n', encoding: 'utf-8', lines: 2, from: 1, to: 2, bytes: 9, truncated: false },
      },
      evidence: { outcome: 'verified', observed: 'opened again, notes.txt has the same bytes' },
    })
  })

  it.each([
    [{ from: 2, to: 3 }, 'line 2\nline 3\n', 2],
    [{ from: 99 }, 'line 99\nline 100\n', 99],
    [{ to: 1 }, 'line 1\n', 1],
    [{ last: 2 }, 'line 99\nline 100\n', 99],
    [{ last: 1_000 }, /^line 1\n(?:.*\n)*line 100\n$/, 1],
    [{ from: 101 }, '', 101],
  ])('gives the lines that are asked for: %j', async (lines, content, from) => {
    await using executor = await testExecutor()
    executor.write('a.log', Array.from({ length: 100 }, (_, index) => `line ${index + 1}\n`).join(''))
    const { result } = await executor.run(read('a.log', lines))
    const data = result!.data as { content: string }
    if (typeof content === 'string') expect(data.content).toBe(content)
    else expect(data.content).toMatch(content)
    expect(data).toMatchObject({ from, truncated: false })
  })

  it('is bounded, says so, and finds any line of a file of any size', async () => {
    await using executor = await testExecutor()
    const lines = 1_500_000
    executor.write('large.log', '')
    for (let at = 0; at < lines; at += 100_000)
      appendFileSync(
        join(executor.root, 'large.log'),
        Array.from({ length: 100_000 }, (_, index) => `${at + index + 1} ${'x'.repeat(40)}\n`).join(''),
      )
    const whole = await executor.run(read('large.log'))
    expect(whole).toMatchObject({ outcome: 'done', result: { data: { truncated: true, from: 1 } } })
    expect(whole.result?.text.length).toBeLessThan(31_000)
    expect(whole.result?.text).toMatch(/what is from line \d+ is not shown: ask for those lines\)$/)
    const deep = await executor.run(read('large.log', { from: 1_400_000, to: 1_400_001 }))
    expect(deep.result?.text).toMatch(/^1400000 x+\n1400001 x+$/)
    const end = await executor.run(read('large.log', { last: 1 }))
    expect(end.result?.text).toMatch(/^1500000 x+$/)
  })

  it('keeps the encoding in mind, and names what is not text', async () => {
    await using executor = await testExecutor()
    const put = (name: string, bytes: Buffer) => writeFileSync(join(executor.root, name), bytes)
    put('bom.txt', Buffer.from('\ufeffäöü\n'))
    put('wide.txt', Buffer.from('\ufeffäöü\n', 'utf16le'))
    put('big-endian.txt', Buffer.from('\ufeffäöü\n', 'utf16le').swap16())
    put('old.txt', Buffer.from('äöü\n', 'latin1'))
    put('logo.png', Buffer.from([0x89, 0x50, 0, 1, 2]))
    put('empty.txt', Buffer.alloc(0))
    const encodings = {
      'bom.txt': 'utf-8',
      'wide.txt': 'utf-16le',
      'big-endian.txt': 'utf-16be',
      'old.txt': 'windows-1252',
    }
    for (const [path, encoding] of Object.entries(encodings))
      expect((await executor.run(read(path))).result).toMatchObject({ text: 'äöü', data: { encoding, binary: false } })
    expect((await executor.run(read('logo.png'))).result).toEqual({
      text: 'logo.png is not text (5 bytes), so it is not shown',
      data: { path: 'logo.png', bytes: 5, binary: true },
    })
    expect((await executor.run(read('empty.txt'))).result?.text).toBe('empty.txt is empty')
  })

  it('shows no secret, wherever the lines are cut', async () => {
    await using executor = await testExecutor()
    const key = `-----BEGIN RSA PRIVATE KEY-----\n${'QUJD'.repeat(16)}\n${'REVG'.repeat(16)}\n-----END RSA PRIVATE KEY-----`
    executor.write('a.yaml', `token: ${SECRET}\nurl: postgres://me:hunter22@db/x\n${key}\nend\n`)
    const whole = await executor.run(read('a.yaml'))
    expect((whole.result!.data as { content: string }).content).toBe(
      'token: [redacted]\nurl: postgres://me:[redacted]@db/x\n[redacted]\n\n\n\nend\n',
    )
    const part = await executor.run(read('a.yaml', { from: 4, to: 5 }))
    expect(JSON.stringify(part)).not.toMatch(/QUJD|REVG/)
    expect((await executor.run(read('a.yaml', { from: 7 }))).result?.text).toBe('end')
    // Cut in the middle of the secret.
    executor.write('long.txt', `${'x'.repeat(29_990)} ${SECRET} y\n`)
    expect(JSON.stringify(await executor.run(read('long.txt')))).not.toContain('correct-')
    executor.write('.env', `DB_HOST=db\nexport API_TOKEN = abc123\nDEBUG=1\n`)
    expect((await executor.run(read('.env'))).result?.text).toBe('DB_HOST=db\nexport API_TOKEN = [redacted]\nDEBUG=1')
  })

  it('is the newer one where the file changes before it is read again', async () => {
    await using executor = await testExecutor()
    executor.write('a.log', 'one\n')
    const path = join(executor.root, 'a.log')
    const grown = await again(executor, read('a.log'), () => appendFileSync(path, 'two\n'))
    expect(grown.second).toMatchObject({ outcome: 'verified', same: true })
    expect(grown.text).toBe('one\ntwo')
    executor.write('a.log', 'one\n')
    const changed = await again(executor, read('a.log'), () => writeFileSync(path, 'eno\n'))
    expect(changed.second).toMatchObject({ outcome: 'failed', same: false })
    expect(changed.third).toMatchObject({ outcome: 'verified', same: true })
    expect(changed.text).toBe('eno')
  })

  it.each([
    ['nots.txt', 'not_found'],
    ['fifo', 'not_a_regular_file'],
    ['twice', 'not_a_regular_file'],
    ['link', 'path_outside_workspace'],
    ['linked/passwd', 'path_outside_workspace'],
    ['../outside', 'path_outside_workspace'],
    ['/etc/passwd', 'path_outside_workspace'],
    ['.ssh/id_ed25519', 'protected_path'],
    ['sub/.netrc', 'protected_path'],
  ])('is refused for %s', async (path, code) => {
    await using executor = await testExecutor()
    const { root } = executor
    executor.write('notes.txt', 'x')
    writeFileSync(join(root, '..', 'outside'), 'outside')
    symlinkSync('/etc/passwd', join(root, 'link'))
    symlinkSync('/etc', join(root, 'linked'))
    linkSync(join(root, '..', 'outside'), join(root, 'twice'))
    execFileSync('/usr/bin/env', ['mkfifo', join(root, 'fifo')])
    for (const kind of ['file.read', ...(code === 'not_a_regular_file' ? [] : ['file.list', 'file.search'])]) {
      const input = { path, ...(kind === 'file.search' ? { text: 'x' } : {}) }
      const { outcome, error } = await executor.run({ kind, input })
      expect({ kind, outcome, code: error?.code }).toEqual({ kind, outcome: 'failed', code })
      expect(error?.message).not.toContain(root)
      if (code === 'not_found') expect(error?.message).toContain('did you mean notes.txt?')
    }
  })

  it('gives what is in a folder, whose lines cannot be asked for', async () => {
    await using executor = await testExecutor()
    executor.write('folder/a.txt', 'x')
    const { result, evidence } = await executor.run(read('folder'))
    expect(result).toMatchObject({ text: expect.stringMatching(/^1 entry in folder\n/), data: { total: 1 } })
    expect(evidence).toMatchObject({ outcome: 'verified' })
    expect(await executor.run(read('folder', { last: 1 }))).toMatchObject({ error: { code: 'not_a_regular_file' } })
  })

  it('reads no other lines than those that can be', async () => {
    await using executor = await testExecutor()
    executor.write('a', 'x')
    for (const lines of [{ from: 0 }, { from: 3, to: 2 }, { last: 1, from: 1 }])
      expect(await executor.run(read('a', lines))).toMatchObject({ outcome: 'failed', error: { retryable: false } })
  })
})

describe('listing files', () => {
  const list = (path?: string) => ({ kind: 'file.list', input: path === undefined ? {} : { path } })
  const pathsOf = async (executor: TestExecutor, path?: string) => {
    const { result } = await executor.run(list(path))
    return (result!.data as { entries: { path: string }[] }).entries.map((entry) => entry.path)
  }

  it('gives names, types, sizes and times of a folder, in the order of the names', async () => {
    await using executor = await testExecutor()
    executor.write('logs/b.log', 'x'.repeat(1_500))
    executor.write('logs/a.log', '')
    executor.write('logs/old/c.log', '')
    symlinkSync('/etc', join(executor.root, 'logs/etc'))
    const { result, evidence } = await executor.run(list('logs'))
    expect(evidence).toMatchObject({ outcome: 'verified' })
    expect(result?.text).toMatch(
      /^4 entries in logs\n {6}0 B {2}\d{4}-\d\d-\d\d \d\d:\d\d {2}logs\/a.log\n {3}1.5 kB .* logs\/b.log\n {5}link .* logs\/etc\n {3}folder .* logs\/old\/$/,
    )
    expect(result?.data).toMatchObject({
      total: 4,
      truncated: false,
      entries: [
        { path: 'logs/a.log', type: 'file', bytes: 0 },
        { path: 'logs/b.log', type: 'file', bytes: 1_500, modified: expect.stringMatching(/Z$/) },
        { path: 'logs/etc', type: 'link' },
        { path: 'logs/old', type: 'folder' },
      ],
    })
  })

  it('takes no path, a file, and globs, and starts in the folder that is named', async () => {
    await using executor = await testExecutor()
    for (const path of ['a.txt', '.env', 'src/a.ts', 'src/x/b.ts', 'src/x/b.js', 'src/[1].ts', 'node_modules/m/a.ts'])
      executor.write(path, 'x')
    expect(await pathsOf(executor)).toEqual(['.env', 'a.txt', 'node_modules', 'src'])
    expect(await pathsOf(executor, 'a.txt')).toEqual(['a.txt'])
    expect(await pathsOf(executor, '*.txt')).toEqual(['a.txt'])
    expect(await pathsOf(executor, '**/*.ts')).toEqual(['src/[1].ts', 'src/a.ts', 'src/x/b.ts'])
    expect(await pathsOf(executor, 'src/**')).toHaveLength(5)
    // What has this very name is meant, and nothing that it matches as a glob.
    expect(await pathsOf(executor, 'src/[1].ts')).toEqual(['src/[1].ts'])
    expect(await pathsOf(executor, 'node_modules/**/*.ts')).toEqual(['node_modules/m/a.ts'])
    expect(await pathsOf(executor, '*.none')).toEqual([])
    const { result } = await executor.run({ ...list('.'), workspace: join(executor.root, 'src') })
    expect(result?.text).toMatch(/ x\/$/)
  })

  it('names files by names that are no text, and is bounded', async () => {
    await using executor = await testExecutor()
    writeFileSync(Buffer.concat([Buffer.from(`${executor.root}/`), Buffer.from([0x63, 0xe9])]), 'x')
    expect((await executor.run(list())).result?.text).toMatch(/ c\\xe9$/)
    // No name can pass for two lines of the answer.
    executor.write('x\nroot:1: y', 'z')
    expect((await executor.run(list())).result?.text.split('\n')).toHaveLength(3)
    expect((await executor.run({ kind: 'file.search', input: { text: 'z' } })).result?.text.split('\n')).toHaveLength(2)
    mkdirSync(join(executor.root, 'many'))
    for (let at = 0; at < 1_200; at++) writeFileSync(join(executor.root, 'many', `${'n'.repeat(30)}${at}`), '')
    const { result } = await executor.run(list('many'))
    expect(result?.data).toMatchObject({ total: 1_200, truncated: true })
    expect(result?.text).toMatch(/and \d+ more, which are not shown$/)
    expect(result?.text.length).toBeLessThan(32_000)
  })

  it('is the newer one where a file has been written to, and made again where a name has come', async () => {
    await using executor = await testExecutor()
    executor.write('a', 'x')
    const sizes = await again(executor, list(), () => executor.write('a', 'longer'))
    expect(sizes.second).toMatchObject({ outcome: 'verified', same: true })
    expect(sizes.text).toContain(' 6 B ')
    const names = await again(executor, list(), () => executor.write('b', 'x'))
    expect(names.second).toMatchObject({ outcome: 'failed', same: false })
    expect(names.third).toMatchObject({ outcome: 'verified', same: true })
    expect(names.effect.result.text).toMatch(/^2 entries/)
  })
})
