import { describe, expect, it } from 'vitest'
import { decodeJson } from './decode.ts'
import { jsonText } from './json-text.ts'

describe('published text', () => {
  it.each([
    [
      { title: 'x\u{1f600}'.slice(0, 2), list: ['\udc00y'] },
      { title: 'x\ufffd', list: ['\ufffdy'] },
    ],
    [
      { title: 'x\u{1f600}', path: 'C:\\ud8', zero: '\u0001' },
      { title: 'x\u{1f600}', path: 'C:\\ud8', zero: '\u0001' },
    ],
    [{ gone: undefined, at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
  ])('can be read by a strict parser: %j', (value, read) => {
    expect(decodeJson(Buffer.from(jsonText(value)))).toEqual(read)
  })
})
