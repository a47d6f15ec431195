import { DeedError } from '@deed/proto/errors'
import { describe, expect, it } from 'vitest'
import { parseManifest } from './read-manifest.ts'

describe('a manifest in YAML', () => {
  it('is read as YAML 1.2 has it', () => {
    const manifest = parseManifest('name: no\ntasks:\n  - { id: a, task: "write x to y" }\n')
    expect(manifest).toMatchObject({ name: 'no', tasks: [{ id: 'a', depends_on: [] }] })
  })

  it('may be a chain of 10,000', () => {
    const tasks = Array.from({ length: 10_000 }, (_, index) => ({
      id: `t${index}`,
      task: 'x',
      depends_on: index === 0 ? [] : [`t${index - 1}`],
    }))
    expect(parseManifest(JSON.stringify({ name: 'long', tasks })).tasks).toHaveLength(10_000)
  })

  const head = 'name: m\ntasks:\n'
  const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x]']
  for (let level = 1; level < 9; level++) bomb.push(`a${level}: &a${level} [${`*a${level - 1},`.repeat(9)}]`)
  it.each<[string, string, string, number]>([
    ['an alias within itself', 'name: &a [*a, *a]\n', 'invalid_manifest', 1],
    ['aliases of aliases', `${bomb.join('\n')}\n`, 'invalid_manifest', 1],
    ['a tag of its own', `${head}  - id: a\n    task: !!js/function "x"\n`, 'invalid_manifest', 4],
    ['a merge', `x: &x { a: 1 }\n${head}  - <<: *x\n    id: a\n`, 'invalid_manifest', 4],
    ['a key twice', `${head}  - id: a\n    id: b\n`, 'invalid_manifest', 4],
    ['a tab for indentation', `${head}\t- id: a\n`, 'invalid_manifest', 3],
    ['an unknown field', `${head}  - id: a\n    task: x\n    dependson: [b]\n`, 'invalid_manifest', 5],
    ['another type', `${head}  - id: a\n    task: x\n    priority: soon\n`, 'invalid_manifest', 5],
    ['nothing', '', 'invalid_manifest', 1],
    [
      'an id twice',
      `${head}  - { id: a, task: x }\n  - { id: b, task: x }\n  - { id: a, task: x }\n`,
      'duplicate_id',
      3,
    ],
    ['a cycle', `${head}  - { id: a, task: x, depends_on: [a] }\n`, 'cyclic_dependency', 3],
    ['an unknown dependency', `${head}  - id: a\n    task: x\n    depends_on:\n      - b\n`, 'unknown_dependency', 6],
  ])('with %s is refused, with its line', (_, text, code, line) => {
    let refused: unknown
    try {
      parseManifest(text)
    } catch (error) {
      refused = error
    }
    expect(refused).toBeInstanceOf(DeedError)
    expect(refused).toMatchObject({ code, details: { line } })
  })

  it('says both places of an id that is there twice', () => {
    const text = `${head}  - { id: a, task: x }\n  - { id: b, task: x }\n  - { id: a, task: x }\n`
    expect(() => parseManifest(text)).toThrow('line 3 and 5: ')
  })

  it('names the key that is there twice', () => {
    expect(() => parseManifest(`${head}  - id: a\n    id: b\n`)).toThrow('line 4: the key id is there twice')
  })

  it('is refused for an integer that would be rounded, with its path, and takes it quoted', () => {
    const manifest = (id: string) =>
      `${head}  - id: a\n    action: { kind: sql.execute, input: { params: [7, ${id}] } }\n    verify: []\n`
    try {
      parseManifest(manifest('9007199254740993'))
      throw new Error('it was not refused')
    } catch (error) {
      expect(error).toMatchObject({ code: 'invalid_manifest', path: '$.tasks[0].action.input.params[1]' })
      expect(error).toHaveProperty('message', expect.stringContaining('line 4: 9007199254740993 is beyond 2^53'))
    }
    expect(
      parseManifest(
        `${head}  - { id: a, action: { kind: x.y, input: { n: [7, "9007199254740993", -9007199254740991] } } }\n`,
      ),
    ).toMatchObject({
      tasks: [{ action: { input: { n: [7, '9007199254740993', -9007199254740991] } } }],
    })
  })
})
