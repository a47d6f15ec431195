// Names that a reader would take for others are not made, by no kind.
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { testExecutor } from '../../test/test-executor.ts'

const HIDDEN = [
  'a\nb',
  'a\tb',
  'a\u001b[2Jb',
  'a\u202etxt.b',
  'a\u200bb',
  'a\u2066b',
  '\ufeffa',
  'a\u{e0041}b',
  'a\u007fb',
]
const ORDINARY = [
  'Gr\u00fc\u00dfe 1.txt',
  '\u65e5\u672c\u8a9e.txt',
  '\u041e\u0442\u0447\u0451\u0442-v2.txt',
  "it's (a) #1 & more.txt",
  '\u{1f600}.txt',
]

const KINDS = (name: string) => [
  { kind: 'file.write', input: { path: name, content: 'x' } },
  { kind: 'file.write', input: { path: `${name}/x`, content: 'x' } },
  { kind: 'code.generate', input: { path: name, language: 'python', content: 'x = 1\n' } },
  { kind: 'file.patch', input: { path: name, diff: '--- /dev/null\n@@ -0,0 +1 @@\n+x\n' } },
  { kind: 'file.append', input: { path: name, text: 'x' } },
  { kind: 'file.move', input: { from: 'old', to: name } },
  { kind: 'file.move', input: { from: 'folder', to: name } },
  { kind: 'file.copy', input: { from: 'old', to: name } },
  { kind: 'dir.create', input: { path: `new/${name}` } },
]

describe('a new name with characters that are not seen', () => {
  it.each(HIDDEN.map((name) => [JSON.stringify(name), name]))('is refused by every kind: %s', async (_, name) => {
    await using executor = await testExecutor()
    executor.write('old', 'x')
    executor.write('folder/old', 'x')
    for (const action of KINDS(name)) {
      const { outcome, effect, error } = await executor.run(action)
      expect({ outcome, effect, code: error?.code }, action.kind).toEqual({
        outcome: 'failed',
        effect: 'none',
        code: 'invalid_request',
      })
    }
    expect(readdirSync(executor.root).sort()).toEqual(['folder', 'old'])
  })

  it('is no reason to refuse what is there: it is changed and removed', async () => {
    await using executor = await testExecutor()
    writeFileSync(join(executor.root, 'a\u202eb'), 'x')
    expect(await executor.run(KINDS('a\u202eb')[0]!)).toMatchObject({ outcome: 'done' })
    expect(await executor.run({ kind: 'file.delete', input: { path: 'a\u202eb' } })).toMatchObject({ outcome: 'done' })
    expect(existsSync(join(executor.root, 'a\u202eb'))).toBe(false)
  })

  it('is not what the names of other languages are', async () => {
    await using executor = await testExecutor()
    for (const name of ORDINARY)
      expect(await executor.run({ kind: 'file.write', input: { path: name, content: 'x' } }), name).toMatchObject({
        outcome: 'done',
      })
    expect(readdirSync(executor.root).sort()).toEqual([...ORDINARY].sort())
  })
})
