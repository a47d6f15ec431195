/**
 * Finds the known word that a misspelt one stands for: one edit (also two letters swapped) for words of four letters
 * and more, two for words of eight and more.
 */
import { editDistance } from '@deed/config/nearest'
import { lettersIndex } from './like-letters.ts'
import { FILLERS } from './words.ts'

export interface SpellingIndex {
  /** The nearest words with their distance; several where it could be any of them. */
  readonly near: (word: string) => { readonly words: readonly string[]; readonly distance: number }
}

const LETTERS_MIN = 4
/** Of three letters, two are swapped, or one is wrong in a word that only connects: "teh", "thw". */
const LETTERS_TO_SWAP = 3
const LETTERS_INDEXED = 2
const LETTERS_FOR_TWO = 8
const LETTERS_MAX = 40
const NONE = { words: [], distance: 0 } as const

export function spellingIndex(words: Iterable<string>): SpellingIndex {
  const alike = lettersIndex([...words].filter(({ length }) => length >= LETTERS_INDEXED && length <= LETTERS_MAX))
  return {
    near: (word) => {
      if (word.length < LETTERS_TO_SWAP || word.length > LETTERS_MAX) return NONE
      let best: string[] = []
      let bestDistance = word.length >= LETTERS_FOR_TWO ? 2 : 1
      for (const candidate of alike(word, bestDistance)) {
        const distance = editDistance(word, candidate, bestDistance)
        if (
          distance > bestDistance ||
          (word.length < LETTERS_MIN && !isSwapped(word, candidate) && !connects(word, candidate))
        )
          continue
        if (distance < bestDistance) best = []
        bestDistance = distance
        best.push(candidate)
      }
      if (best.length === 0) return NONE
      if (best.length > 1) best = best.toSorted((a, b) => errorAt(word, a) - errorAt(word, b))
      // Two letters swapped are the likeliest error.
      const swapped = best.filter((candidate) => isSwapped(word, candidate))
      return { words: swapped.length === 1 ? swapped : best, distance: bestDistance }
    },
  }
}

/** Where a word differs from the one that is meant; a letter that is left out is the likeliest error. */
function errorAt(word: string, meant: string): number {
  if (meant.length > word.length) return -1
  let at = 0
  while (at < meant.length && word[at] === meant[at]) at++
  return at
}

const isSwapped = (word: string, other: string): boolean =>
  word.length === other.length && [...word].sort().join('') === [...other].sort().join('')

const connects = (word: string, candidate: string): boolean => FILLERS.has(candidate) && word[0] === candidate[0]
