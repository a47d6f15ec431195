import { describe, expect, it } from 'vitest'
import { cacheKey, normalise } from './cache-key.ts'

const scope = { text: 'how many machines do we have?', context_hash: 'c' }

describe('the key of a question', () => {
  it.each([
    ['how  many   machines', 'how many machines'],
    ['  how many machines \r\n', 'how many machines'],
    ['cafe\u0301 report', 'caf\u00e9 report'],
  ])('is the same for %j and %j', (one, other) => {
    expect(normalise(one)).toBe(normalise(other))
    expect(normalise(normalise(one))).toBe(normalise(one))
  })

  it.each([
    ['restart a', 'do not restart a'],
    ['write "a  b" to x', 'write "a b" to x'],
    ['run `a  b`', 'run `a b`'],
    ['show web-01', 'show web-10'],
    ['show Web-01', 'show web-01'],
    ['solve x\u00b2', 'solve x2'],
    ['if a:\n  b', 'if a:\nb'],
    ['is it up?', 'is it up'],
  ])('differs between %j and %j', (one, other) => {
    expect(normalise(one)).not.toBe(normalise(other))
  })

  it('differs by tenant, language and context', () => {
    const hashes = [
      cacheKey('local', scope),
      cacheKey('acme', scope),
      cacheKey('local', { ...scope, language: 'go' }),
      cacheKey('local', { ...scope, context_hash: 'd' }),
    ].map(({ hash }) => hash)
    expect(new Set(hashes).size).toBe(4)
  })
})
