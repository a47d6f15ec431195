import { describe, expect, it } from 'vitest'
import { findAny } from './find-any.ts'

describe('the search for any of many words', () => {
  it('finds a word at any position', () => {
    const words = ['canary', 'cat', 'needle-in-a-haystack', 'öäü', 'Ωμέγα']
    const found = findAny(words)
    for (const word of words) {
      for (let before = 0; before < 10; before++) {
        for (let after = 0; after < 3; after++)
          expect(found(`${'.'.repeat(before)}${word}${'.'.repeat(after)}`)).toBe(true)
      }
    }
  })

  it('agrees with a naive search on texts with few distinct letters', () => {
    const words = ['abab', 'aab', 'bbbbb', 'abba']
    const found = findAny(words)
    for (let bits = 0; bits < 1 << 12; bits++) {
      const text = Array.from({ length: 12 }, (_, i) => ((bits >> i) & 1 ? 'a' : 'b')).join('')
      expect([text, found(text)]).toEqual([text, words.some((word) => text.includes(word))])
    }
  })

  it('finds nothing in an empty text', () => {
    expect(findAny([])('text')).toBe(false)
    expect(findAny(['canary'])('')).toBe(false)
    expect(findAny(['canary'])('canar')).toBe(false)
    expect(findAny(['canary'])('a canal')).toBe(false)
  })
})
