import { appendFileSync, linkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { registerSecret } from '@deed/telemetry/redact'
import { describe, expect, it } from 'vitest'
import { testExecutor } from '../../test/test-executor.ts'

const search = (input: object) => ({ kind: 'file.search', input: input as Record<string, string> })
const SECRET = 'correct-horse-43'
registerSecret(SECRET)

describe('searching in files', () => {
  it('gives file, line and text of each line that has the text, and is proved by searching again', async () => {
    await using executor = await testExecutor()
    executor.write('src/a.ts', 'one\r\n// TODO: two\r\nthree\n')
    executor.write('src/b/c.ts', '// todo\n// TODO')
    executor.write('doc.md', 'TODO')
    const { result, evidence } = await executor.run(search({ text: 'TODO', path: 'src' }))
    expect(result).toEqual({
      text: '2 lines in 2 files\nsrc/a.ts:2: // TODO: two\nsrc/b/c.ts:2: // TODO',
      data: {
        matches: [
          { path: 'src/a.ts', line: 2, text: '// TODO: two' },
          { path: 'src/b/c.ts', line: 2, text: '// TODO' },
        ],
        files: 2,
        left_out: 0,
        truncated: false,
      },
    })
    expect(evidence).toMatchObject({ outcome: 'verified', observed: 'a second search found the same' })
    const textOf = async (input: object) => (await executor.run(search(input))).result?.text
    expect(await textOf({ text: 'todo', path: 'src', ignore_case: true })).toMatch(/^3 lines in 2 files/)
    expect(await textOf({ regex: '^// t.do$', path: '**/*.ts' })).toBe('1 line in 1 file\nsrc/b/c.ts:1: // todo')
    expect(await textOf({ regex: 'THREE$', path: 'src/a.ts', ignore_case: true })).toMatch(/src\/a.ts:3: three$/)
    expect(await textOf({ text: 'nowhere' })).toBe('no line of 3 files in the workspace has "nowhere"')
    // A text is no expression.
    expect(await textOf({ text: 't.do' })).toMatch(/^no line/)
  })

  it('finds nothing in what is hidden, not text, or not to be read', async () => {
    await using executor = await testExecutor()
    const { root } = executor
    executor.write('a.yaml', `token: ${SECRET}\nhorse\n`)
    executor.write('.git/config', 'horse')
    executor.write('.ssh/key', 'horse')
    executor.write('node_modules/m/a.js', 'horse')
    writeFileSync(join(root, 'logo.png'), Buffer.from('\0horse'))
    executor.write('one-line.json', `"horse${' '.repeat(5_000_000)}"`)
    writeFileSync(join(root, '..', 'outside'), 'horse')
    linkSync(join(root, '..', 'outside'), join(root, 'twice'))
    for (const wanted of [{ text: 'horse' }, { regex: 'h[o]rse' }]) {
      const { result } = await executor.run(search(wanted))
      expect(result?.text).toBe('1 line in 1 file (3 files left out: no text, or not to be read)\na.yaml:2: horse')
    }
    for (const wanted of [{ text: SECRET }, { text: 'correct-h' }, { regex: 'token: [a-z]' }])
      expect((await executor.run(search(wanted))).result?.data).toMatchObject({ matches: [] })
    expect((await executor.run(search({ text: 'horse', path: '.git' }))).result?.text).toMatch(/\.git\/config:1/)
  })

  it('is never stopped by an expression that takes for ever, and other work continues meanwhile', async () => {
    await using executor = await testExecutor()
    executor.write('a.txt', `${'a'.repeat(60)}!\n`)
    const searching = executor.run(search({ regex: '^(a+)+$' }))
    let turns = 0
    let ended = false
    void searching.finally(() => {
      ended = true
    })
    while (!ended) {
      await sleep(10)
      turns++
    }
    expect(await searching).toMatchObject({
      outcome: 'failed',
      error: { code: 'limit_exceeded', path: '$.input.regex' },
    })
    expect(turns).toBeGreaterThan(50)
    expect(await executor.run(search({ regex: '(a' }))).toMatchObject({
      error: { code: 'invalid_request', path: '$.input.regex' },
    })
    expect(await executor.run(search({}))).toMatchObject({ error: { code: 'invalid_request' } })
    expect(await executor.run(search({ text: 'a', regex: 'a' }))).toMatchObject({ error: { code: 'invalid_request' } })
  })

  it('is bounded in lines and in what of a line is shown, and goes through large files', async () => {
    await using executor = await testExecutor()
    executor.write('many.log', 'ERROR\n'.repeat(600))
    const many = await executor.run(search({ text: 'ERROR' }))
    expect(many).toMatchObject({ outcome: 'done', result: { data: { truncated: true } } })
    expect(many.result?.text).toMatch(/^500 lines in 1 file \(it ended after 500 lines: name a folder or a glob/)
    executor.write(
      'large.min.js',
      `${'x'.repeat(2_000_000)}needle${'y'.repeat(1_000_000)}\n${'z\n'.repeat(3_000_000)}needle\n`,
    )
    const { result } = await executor.run(search({ text: 'needle', path: '*.js' }))
    expect(result?.text).toMatch(
      /^2 lines in 1 file\nlarge.min.js:1: \.\.\.x{100}needley{194}\.\.\.\nlarge.min.js:3000002: needle$/,
    )
  })

  it('says the newer lines of a file that grows while it is searched', async () => {
    await using executor = await testExecutor()
    executor.write('a.log', 'ERROR 1\n')
    let going = true
    const path = join(executor.root, 'a.log')
    const writing = (async () => {
      for (let at = 2; going; at++) {
        appendFileSync(path, `ERROR ${at}\n`)
        await sleep(1)
      }
    })()
    for (let at = 0; at < 10; at++)
      expect(await executor.run(search({ text: 'ERROR' }))).toMatchObject({ outcome: 'done' })
    going = false
    await writing
  })
})
