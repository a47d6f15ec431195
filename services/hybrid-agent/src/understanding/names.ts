/** The names of the world as people write them: in any case, with or without separators, by an alias, misspelt. */
import type { NamedTarget, Vocabulary } from '../rules/vocabulary.ts'
import { type SpellingIndex, spellingIndex } from './spelling.ts'
import { beginsAs, typedIndex } from './typing-errors.ts'
import { stemOf } from './words.ts'

export interface Names {
  /** The targets that several words in a row name; more than one where their names differ in separators alone. */
  readonly targetsAt: (words: readonly string[]) => readonly NamedTarget[]
  /** Whether it is, in full, a name of the world. */
  readonly isName: (word: string) => boolean
  /** For misspelt names; the keys have no separators. */
  readonly spelling: SpellingIndex
  /** The keys of which one may be a misspelling. */
  readonly typed: (key: string) => readonly string[]
  /** Whether it is a word of a database's nouns. */
  readonly isNoun: (word: string) => boolean
  /** The word of a database's nouns that a misspelt one stands for. */
  readonly nounFor: (word: string) => string | undefined
  /** The targets whose names have this word as a part: `api` for demo-api. */
  readonly partly: (word: string) => readonly NamedTarget[]
  /** Words of the longest name. */
  readonly wordsMax: number
}

const WORDS_MAX = 5

export function namesOf({ targets, aliases, plurals, singulars }: Vocabulary): Names {
  const byKey = new Map<string, NamedTarget[]>()
  const byPart = new Map<string, NamedTarget[]>()
  const add = (map: Map<string, NamedTarget[]>, key: string, target: NamedTarget): void => {
    const known = map.get(key)
    if (!known) map.set(key, [target])
    else if (!known.includes(target)) known.push(target)
  }
  let wordsMax = 1
  for (const [name, target] of [...targets, ...aliases]) {
    add(byKey, nameKey(name), target)
    const parts = name.split(/[\s._-]+/)
    wordsMax = Math.max(wordsMax, parts.length)
    if (parts.length > 1) for (const part of parts) if (part.length > 2) add(byPart, part, target)
  }
  const exact = new Set([...targets.keys(), ...aliases.keys()])
  const nounWords = new Set(
    [plurals, singulars].flatMap((nouns) => [...nouns.values()].flat()).flatMap(({ words }) => words),
  )
  const nouns = spellingIndex(nounWords)
  return {
    targetsAt: (words) => {
      const written = words.join(' ')
      const one = targets.get(written) ?? aliases.get(written)
      return one ? [one] : (byKey.get(nameKey(written)) ?? [])
    },
    isName: (word) => exact.has(word) || byKey.has(nameKey(word)),
    spelling: spellingIndex(byKey.keys()),
    typed: typedIndex(byKey.keys()),
    isNoun: (word) => nounWords.has(word),
    nounFor: (word) => {
      const [meant, ...others] = nouns.near(word).words
      // "asseta" may be "assets" or "asset", which are one noun.
      const one = meant !== undefined && others.every((other) => stemOf(other) === stemOf(meant))
      return one && beginsAs(word, meant) ? meant : undefined
    },
    partly: (word) => byPart.get(word) ?? [],
    wordsMax: Math.min(wordsMax, WORDS_MAX),
  }
}

/** "the Demo API", "demo_api" and "demo-api" are equal. */
export const nameKey = (name: string): string =>
  name
    .toLowerCase()
    .replace(/^(?:the|an?) /, '')
    .replaceAll(/[\s._-]+/g, '')
