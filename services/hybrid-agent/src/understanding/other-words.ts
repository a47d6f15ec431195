/** The same sentence in other words: one word spelled as another one, or a synonym in its place. */
import { beginsAs, type Part, type Words } from './parts.ts'
import { phraseAt, synonymsOf } from './synonyms.ts'
import { COMMON, FILLERS } from './words.ts'

/**
 * The sentence with one word replaced by each that it may be a misspelling of: an unknown word, or one of everyday
 * English that no rule has.
 *
 * @returns none if more than one word is unknown
 */
export function respelled(parts: readonly Part[], words: Words, guarding: ReadonlySet<string>): (readonly Part[])[] {
  const doubtful = parts.filter((part) => part.unknown === true)
  const [only, ...others] =
    doubtful.length > 0 ? doubtful : parts.filter((part) => part.kind === 'word' && isElsewhere(part, words))
  if (!only || others.length > 0) return []
  const at = parts.indexOf(only)
  const candidates = words.spelling.within(only.word)
  // It could be the word that forbids.
  if (candidates.some((word) => guarding.has(word))) return []
  return candidates
    .filter((word) => only.word.length >= LETTERS_MIN || FILLERS.has(word))
    .filter((word) => !words.verbs.has(word) || (only.unknown === true && beginsAs(only.word, word)))
    .slice(0, CANDIDATES_MAX)
    .map((word) => parts.with(at, { ...only, word, written: only.word }))
}

/** A shorter word may be any other one; only one that connects is worth a guess. */
const LETTERS_MIN = 3
const CANDIDATES_MAX = 12

const isElsewhere = ({ word, written }: Part, { lexicon }: Words): boolean =>
  written === undefined && COMMON.has(word) && !lexicon.has(word)

/** Each with one word, or one phrase, replaced by what people also say. */
export function reworded(parts: readonly Part[], { lexicon }: Words): (readonly Part[])[] {
  const said = parts.map(({ kind, word }) => (kind === 'word' ? word : ''))
  return parts.flatMap((part, at) => {
    if (part.kind !== 'word') return []
    const as = (word: string): Part => ({ ...part, word, written: part.word })
    const phrase = phraseAt(said, at)
    const words = synonymsOf(part.word).filter((word) => lexicon.has(word))
    return [
      ...(phrase ? [parts.toSpliced(at, phrase.length, ...phrase.said.map(as))] : []),
      ...words.map((word) => parts.with(at, as(word))),
    ]
  })
}
