import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { difference } from './guards.ts'
import { readSentence, type Sentence } from './sentence.ts'

/** The pairs of a file by its headings; lines are `one | other`. */
function pairsOf(file: string): { title: string; pairs: (readonly [string, string])[] }[] {
  const groups = readFileSync(new URL(`../../test-data/${file}`, import.meta.url), 'utf8').split(/^## /m)
  return groups.map((group) => {
    const [title = '', ...lines] = group.split('\n')
    const pairs = lines.flatMap((line) => {
      const [one, other] = line.split(' | ')
      return one !== undefined && other !== undefined ? [[one, other] as const] : []
    })
    return { title, pairs }
  })
}

const read = (text: string): Sentence => {
  const sentence = readSentence(text)
  if (!sentence) throw new Error(`not a sentence: ${text}`)
  return sentence
}

const nearMisses = pairsOf('near-misses.txt').filter(({ pairs }) => pairs.length > 0)

describe('the guards', () => {
  it.each(nearMisses)('refuse every near miss by $title, both ways', ({ pairs }) => {
    const passed = pairs.filter(
      ([one, other]) => !difference(read(one), read(other)) || !difference(read(other), read(one)),
    )
    expect(passed).toEqual([])
  })

  it('are tried by at least 300 near misses, each another one', () => {
    const pairs = nearMisses.flatMap(({ pairs }) => pairs)
    expect(new Set(pairs.map((pair) => pair.join(' | '))).size).toBeGreaterThanOrEqual(300)
  })

  it('let through what differs in courtesy, articles and the form of a request', () => {
    const pairs = pairsOf('same-meaning.txt').flatMap(({ pairs }) => pairs)
    expect(pairs.length).toBeGreaterThan(15)
    expect(pairs.filter(([one, other]) => difference(read(one), read(other)) !== undefined)).toEqual([])
  })

  it.each([
    ['keep 5 backups', 'keep 6 backups', 'literal'],
    ['keep five backups', 'keep six backups', 'number'],
    ['restart it', 'do not restart it', 'negation'],
    ['enable it', 'disable it', 'opposite'],
    ['copy prod to staging', 'copy staging to prod', 'order'],
    ['restart the mailer', 'restart the indexer', 'word'],
  ])('say why: "%s" is not "%s"', (one, other, guard) => {
    expect(difference(read(one), read(other))).toBe(guard)
  })

  it('compare nothing that is more than a sentence', () => {
    expect(readSentence('a\nb')).toBeUndefined()
    expect(readSentence('a '.repeat(400))).toBeUndefined()
    expect(readSentence('  !? ')).toBeUndefined()
  })
})
