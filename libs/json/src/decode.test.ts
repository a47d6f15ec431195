// Bytes as external clients may send them.
import { DeedError } from '@deed/proto/errors'
import { describe, expect, it } from 'vitest'
import { DEPTH_MAX, decodeJson, KEYS_MAX } from './decode.ts'

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8')
const refusalOf = (payload: Uint8Array): { code: string; path: string | undefined; message: string } => {
  try {
    decodeJson(payload)
  } catch (error) {
    if (error instanceof DeedError) return { code: error.code, path: error.path, message: error.message }
    throw error
  }
  throw new Error('it was not refused')
}

describe('bytes that are JSON', () => {
  it.each([
    ['null', null],
    ['true', true],
    ['-0.5e3', -500],
    ['"Grüße, \\ud83d\\ude00 \\u0001"', 'Grüße, \u{1f600} \u0001'],
    ['[]', []],
    [' {"a":[1,{"b":null}],"":"x"}\n', { a: [1, { b: null }], '': 'x' }],
    ['{"proto":1,"__proto":2}', { proto: 1, __proto: 2 }],
  ])('are decoded to their value: %s', (text, value) => {
    expect(decodeJson(bytes(text))).toEqual(value)
  })

  it('may be nested and wide up to the limits', () => {
    expect(decodeJson(bytes(nested(DEPTH_MAX)))).toBeInstanceOf(Array)
    const wide = Object.fromEntries(Array.from({ length: KEYS_MAX }, (_, index) => [`k${index}`, index]))
    expect(decodeJson(bytes(JSON.stringify(wide)))).toEqual(wide)
    // Brackets inside strings do not nest.
    const text = '[[[{{{\\"'.repeat(100)
    expect(decodeJson(bytes(JSON.stringify({ text })))).toEqual({ text })
  })
})

describe('bytes that are not', () => {
  it.each(['', ' ', '{"task":', '{"task":"x"', '{"task":NaN}', "{'task':1}", 'undefined', '{"a":1}{"b":2}', '[1,]'])(
    'JSON (%s) are refused at the root',
    (text) => expect(refusalOf(bytes(text))).toMatchObject({ code: 'invalid_json', path: '$' }),
  )

  it.each([
    ['two bytes of UTF-16', [0xff, 0xfe]],
    ['an overlong slash', [0x22, 0xc0, 0xaf, 0x22]],
    ['half of a surrogate pair as bytes', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a cut character', [0x22, 0xe2, 0x82, 0x22]],
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x7b, 0x7d]],
  ])('UTF-8 (%s) are refused at the root', (_, raw) => {
    expect(refusalOf(Uint8Array.from(raw))).toMatchObject({ code: 'invalid_encoding', path: '$' })
  })

  it('whole characters are refused at their path', () => {
    expect(refusalOf(bytes('{"a":{"b":["x","\\ud800"]}}'))).toMatchObject({
      code: 'invalid_encoding',
      path: '$.a.b[1]',
    })
    expect(refusalOf(bytes('{"\\udc00":1}'))).toMatchObject({ code: 'invalid_encoding', path: '$' })
    expect(refusalOf(bytes('"\\udc00"'))).toMatchObject({ code: 'invalid_encoding', path: '$' })
  })

  it('storable, because of the character NUL, are refused at their path', () => {
    expect(refusalOf(bytes('{"a":["x\\u0000y"]}'))).toMatchObject({ code: 'invalid_encoding', path: '$.a[0]' })
    expect(refusalOf(bytes('{"a":{"x\\u0000y":1}}'))).toMatchObject({ code: 'invalid_encoding', path: '$.a' })
  })
})

describe('a harmful message', () => {
  it('is refused for its depth before it is parsed', () => {
    expect(refusalOf(bytes(nested(DEPTH_MAX + 1)))).toMatchObject({ code: 'too_deep', path: '$' })
    for (const hostile of ['['.repeat(900_000), '{"a":'.repeat(180_000)]) {
      expect(refusalOf(bytes(hostile))).toMatchObject({ code: 'too_deep' })
    }
  })

  it('is refused for its number of keys', () => {
    const wide = (length: number) =>
      JSON.stringify(Object.fromEntries(Array.from({ length }, (_, index) => [`k${index}`, index])))
    expect(refusalOf(bytes(`{"a":[${wide(KEYS_MAX + 1)}]}`))).toMatchObject({ code: 'too_many_keys', path: '$.a[0]' })
    expect(refusalOf(bytes(wide(100_000)))).toMatchObject({ code: 'too_many_keys', path: '$' })
  })

  it('is refused with a short message, however long its keys are', () => {
    const { path = '' } = refusalOf(bytes(`{"${'k'.repeat(500_000)}":{"__proto__":1}}`))
    expect(path).toMatch(/^\$\.k+\.\.\.\.__proto__$/)
    expect(path.length).toBeLessThan(100)
  })

  it.each([
    ['{"__proto__":{"polluted":1}}', '$.__proto__'],
    ['{"context":{"constructor":{"prototype":{"polluted":1}}}}', '$.context.constructor'],
    ['{"a":[{"prototype":1}]}', '$.a[0].prototype'],
    ['{"a":{"\\u005f_proto__":1}}', '$.a.__proto__'],
  ])('is refused for its key: %s', (text, path) => {
    expect(refusalOf(bytes(text))).toMatchObject({ code: 'forbidden_key', path })
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
})

describe('an ambiguous message', () => {
  it.each([
    ['{"dry_run":true,"dry_run":false}', '$.dry_run'],
    ['{"a":[{"b":1},{"c":{"x":1,"y":[{}],"x":{"x":1}}}]}', '$.a[1].c.x'],
    ['{"task":"x","t\\u0061sk":"y"}', '$.task'],
    ['{"":1,"":2}', '$.'],
    ['[{"a":"\\"a\\":"},{"a":1,"a":1}]', '$[1].a'],
  ])('is refused for a duplicate key: %s', (text, path) => {
    const refusal = refusalOf(bytes(text))
    expect(refusal).toMatchObject({ code: 'invalid_json', path })
    expect(refusal.message).toContain('occurs twice')
  })

  it('is not confused with a similar one', () => {
    const value = { a: { a: '"a":1,"a":2' }, b: [{ a: 1 }, { a: 2 }], c: 'x: y, \\"x\\": z', 'd:': ':' }
    expect(decodeJson(bytes(JSON.stringify(value)))).toEqual(value)
    // Numbers as names: parsing changes their order.
    expect(decodeJson(bytes('{"2":1,"1":2}'))).toEqual({ 1: 2, 2: 1 })
  })

  it.each([
    ['{"equals":{"id":9007199254740993}}', '$.equals.id'],
    ['{"params":[1,"9007199254740993",-123456789012345678901234567890]}', '$.params[2]'],
    ['9007199254740992', '$'],
  ])('is refused for an integer that a double cannot represent: %s', (text, path) => {
    expect(() => decodeJson(bytes(text), { exactIntegers: true })).toThrow('quote it')
    try {
      decodeJson(bytes(text), { exactIntegers: true })
    } catch (error) {
      expect(error).toMatchObject({ code: 'invalid_json', path })
    }
    // Inside the mesh such a number has already been rounded.
    expect(() => decodeJson(bytes(text))).not.toThrow()
  })

  it('does not include integers that a double can represent, fractions, or digits in a string', () => {
    const text = '{"a":[9007199254740991,-9007199254740991,0.12345678901234567,1e300],"b":"12345678901234567890"}'
    expect(decodeJson(bytes(text), { exactIntegers: true })).toEqual(JSON.parse(text))
  })
})
