// When there is colour, and which.
import { describe, expect, it } from 'vitest'
import { isPainted, paintStatus, type Style } from './paint.ts'

const TERMINAL = { isTTY: true }

describe('colour', () => {
  it.each([
    [TERMINAL, {}, true],
    [{}, {}, false],
    [TERMINAL, { NO_COLOR: '1' }, false],
    [TERMINAL, { NO_COLOR: '' }, true],
    [TERMINAL, { TERM: 'dumb' }, false],
    [{}, { FORCE_COLOR: '1' }, true],
    [{}, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    [TERMINAL, { FORCE_COLOR: '0' }, false],
  ])('on %j with %j is %s', (stream, env, painted) => {
    expect(isPainted(stream, env)).toBe(painted)
  })

  it('says whether a status is good, bad or not over', () => {
    const styleOf = (status: string): Style | undefined => {
      let found: Style | undefined
      paintStatus((style, text) => {
        found = style
        return text
      }, status)
      return found
    }
    expect(['done', 'used', 'failed', 'cannot', 'waiting'].map(styleOf)).toEqual([
      ...['green', 'green', 'red', 'red', 'yellow'],
    ])
  })
})
