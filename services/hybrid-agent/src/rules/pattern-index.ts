/** Patterns by the words of sentences, so that few of many are compared with a sentence. */
import type { Pattern } from './pattern.ts'
import type { Sentence } from './tokenize.ts'

interface Entry<T> {
  readonly one: T
  readonly pattern: Pattern
  /** The number of the sentence that it was last compared with, since it may be listed under several of its words. */
  compared: number
}

/**
 * Each pattern is listed under the words of one of its needs, or under its first words: those which the fewest patterns
 * have.
 *
 * @returns those whose needs and first word a sentence has, of which every match is one
 */
export function patternIndex<T extends { readonly pattern: Pattern }>(all: readonly T[]): (sentence: Sentence) => T[] {
  const needed = new Map<string, number>()
  const begun = new Map<string, number>()
  const count = (counts: Map<string, number>, word: string): void => {
    counts.set(word, 1 + (counts.get(word) ?? 0))
  }
  for (const { pattern } of all) {
    for (const need of pattern.needs) for (const word of need) count(needed, word)
    for (const word of pattern.firstWords ?? []) count(begun, word)
  }
  const byWord = new Map<string, Entry<T>[]>()
  const byFirst = new Map<string, Entry<T>[]>()
  const withAnyWords: Entry<T>[] = []
  for (const one of all) {
    const { needs, firstWords } = one.pattern
    const entry: Entry<T> = { one, pattern: one.pattern, compared: 0 }
    let listed = firstWords && { index: byFirst, words: firstWords, others: commonness(firstWords, begun) }
    for (const words of needs) {
      const others = commonness(words, needed)
      if (!listed || others < listed.others) listed = { index: byWord, words: new Set(words), others }
    }
    if (!listed) withAnyWords.push(entry)
    for (const word of listed?.words ?? []) {
      const entries = listed!.index.get(word)
      if (entries) entries.push(entry)
      else listed!.index.set(word, [entry])
    }
  }
  let number = 0
  return (sentence) => {
    number++
    const words = new Set(sentence.tokens.map(({ word }) => word))
    const [first = ''] = words
    const found: T[] = []
    const compare = (entry: Entry<T>): void => {
      if (entry.compared === number) return
      entry.compared = number
      const { needs, firstWords } = entry.pattern
      if (firstWords && !firstWords.has(first)) return
      if (needs.every((need) => need.some((word) => words.has(word)))) found.push(entry.one)
    }
    byFirst.get(first)?.forEach(compare)
    for (const word of words) byWord.get(word)?.forEach(compare)
    withAnyWords.forEach(compare)
    return found
  }
}

function commonness(words: Iterable<string>, counts: ReadonlyMap<string, number>): number {
  let sum = 0
  for (const word of words) sum += counts.get(word)!
  return sum
}
