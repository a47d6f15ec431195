/**
 * Finds the known word that a misspelt one stands for: one edit (also two letters swapped) for words of four letters
 * and more, two for words of eight and more.
 */
import { editDistance } from '@deed/config/nearest'
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

/** An index by the forms that remain after deletions: two words within one edit share such a form. */
export function spellingIndex(words: Iterable<string>): SpellingIndex {
  const byForm = new Map<string, string[]>()
  for (const word of new Set(words)) {
    if (word.length < LETTERS_INDEXED || word.length > LETTERS_MAX) continue
    for (const form of formsOf(word)) {
      const known = byForm.get(form)
      if (known) known.push(word)
      else byForm.set(form, [word])
    }
  }
  return {
    near: (word) => {
      if (word.length < LETTERS_TO_SWAP || word.length > LETTERS_MAX) return NONE
      let best: string[] = []
      let bestDistance = word.length >= LETTERS_FOR_TWO ? 2 : 1
      const seen = new Set<string>()
      for (const form of formsOf(word)) {
        for (const candidate of byForm.get(form) ?? []) {
          if (seen.has(candidate)) continue
          seen.add(candidate)
          const distance = editDistance(word, candidate)
          if (
            distance > bestDistance ||
            (word.length < LETTERS_MIN && !isSwapped(word, candidate) && !connects(word, candidate))
          )
            continue
          if (distance < bestDistance) best = []
          bestDistance = distance
          best.push(candidate)
        }
      }
      if (best.length === 0) return NONE
      // Two letters swapped are the likeliest error.
      const swapped = best.filter((candidate) => isSwapped(word, candidate))
      return { words: swapped.length === 1 ? swapped : best, distance: bestDistance }
    },
  }
}

/** The word, and what remains of it without one letter; for long words also without two. */
function formsOf(word: string): Set<string> {
  const forms = new Set([word])
  const once = without(word)
  for (const form of once) forms.add(form)
  if (word.length >= LETTERS_FOR_TWO - 1) for (const form of once) for (const twice of without(form)) forms.add(twice)
  return forms
}

function without(word: string): string[] {
  return Array.from(word, (_, at) => word.slice(0, at) + word.slice(at + 1))
}

const isSwapped = (word: string, other: string): boolean =>
  word.length === other.length && [...word].sort().join('') === [...other].sort().join('')

const connects = (word: string, candidate: string): boolean => FILLERS.has(candidate) && word[0] === candidate[0]
