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
 * Each pattern is listed under the words of one of its needs: that which the fewest patterns have.
 *
 * @returns those whose needs and first word a sentence has, of which every match is one
 */
export function patternIndex<T extends { readonly pattern: Pattern }>(all: readonly T[]): (sentence: Sentence) => T[] {
  const counts = new Map<string, number>()
  for (const { pattern } of all) for (const word of pattern.needs.flat()) counts.set(word, 1 + (counts.get(word) ?? 0))
  const commonness = (words: readonly string[]): number => words.reduce((sum, word) => sum + counts.get(word)!, 0)
  const byWord = new Map<string, Entry<T>[]>()
  const withAnyWords: Entry<T>[] = []
  for (const one of all) {
    const entry: Entry<T> = { one, pattern: one.pattern, compared: 0 }
    const [rarest] = one.pattern.needs.toSorted((a, b) => commonness(a) - commonness(b))
    if (!rarest) withAnyWords.push(entry)
    for (const word of rarest ?? []) {
      const listed = byWord.get(word)
      if (listed) listed.push(entry)
      else byWord.set(word, [entry])
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
    for (const word of words) byWord.get(word)?.forEach(compare)
    withAnyWords.forEach(compare)
    return found
  }
}
