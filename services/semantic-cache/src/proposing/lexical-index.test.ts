import { describe, expect, it } from 'vitest'
import { lexicalIndex } from './lexical-index.ts'

const wordsOf = (text: string): string[] => text.split(' ')

describe('the lexical index', () => {
  it('returns the most similar texts first, and no more than asked for', () => {
    const index = lexicalIndex()
    const texts = ['restart the mailer', 'restart the indexer', 'list all customers', 'restart mailers']
    const ids = texts.map((text) => index.add(wordsOf(text)))
    const found = index.nearest(wordsOf('restart the mailer'), 3)
    expect(found.map(({ at }) => texts[ids.indexOf(at)])).toEqual([texts[0], texts[3], texts[1]])
    expect(found[0]?.similarity).toBeCloseTo(1, 5)
    expect(index.nearest(wordsOf('restart the mailer'), 1)).toHaveLength(1)
  })

  it('returns the same similarities a second time', () => {
    const index = lexicalIndex()
    for (let n = 0; n < 200; n++) index.add(wordsOf(`show order ${n} of customer ${n % 7}`))
    const asked = wordsOf('show order 77 of customer 3')
    expect(index.nearest(asked, 10)).toEqual(index.nearest(asked, 10))
  })

  it('finds nothing that was removed, and reuses its place', () => {
    const index = lexicalIndex()
    const first = index.add(wordsOf('restart the mailer'))
    index.remove(first, wordsOf('restart the mailer'))
    expect(index.nearest(wordsOf('restart the mailer'), 5)).toEqual([])
    expect(index.add(wordsOf('list customers'))).toBe(first)
    expect(index.size).toBe(1)
    expect(index.nearest(wordsOf('restart the mailer'), 5)).toEqual([])
  })

  it('finds nothing for a text that shares nothing', () => {
    const index = lexicalIndex()
    index.add(wordsOf('restart the mailer'))
    expect(index.nearest(wordsOf('quux'), 5)).toEqual([])
  })
})
