/**
 * The same text with one word spelled as fingers may have meant it. Only a word that is unknown, or that no rule has, is
 * replaced; quoted texts, paths, and identifiers never are.
 */
import { editDistance } from '@deed/config/nearest'
import type { Sentence, Token } from '../rules/tokenize.ts'
import { NEGATING } from './guards.ts'
import { type Names, nameKey } from './names.ts'
import { CONTRACTED_WORDS, type Words } from './parts.ts'
import { beginsAs } from './typing-errors.ts'
import { COMMON, FILLERS } from './words.ts'

export interface Respelled {
  readonly text: string
  /** The word that is replaced, and what is in its place; both in lower case. */
  readonly written: string
  readonly meant: string
  /** The word could be one that forbids, restricts or supposes: no change may follow. */
  readonly guarded: boolean
  /** No other word is unknown, so that an action may follow from what is only like a rule's sentence. */
  readonly alone: boolean
}

/** Text with more unknown words is of another subject. */
const DOUBTFUL_MAX = 3
const CANDIDATES_MAX = 8
const LETTERS_MIN = 2
const PLAIN = /^[a-z][a-z'-]*$/

/** @returns the likeliest first */
export function respellingsOf(
  sentence: Sentence,
  words: Words,
  names: Names,
  guarding: ReadonlySet<string>,
): Respelled[] {
  if (sentence.tokens.length < 2) return []
  const plain = sentence.tokens.filter(({ kind, word }) => kind === 'word' && PLAIN.test(word))
  const unknown = plain.filter(({ word }) => !hasMeaning(word, words, names))
  if (unknown.length > DOUBTFUL_MAX) return []
  const found = unknown.flatMap((token) => spellingsOf(sentence, token, words, names, guarding, true))
  const alone = unknown.filter(({ word }) => !word.includes('-')).length < 2
  if (found.length > 0) return found.slice(0, CANDIDATES_MAX).map((one) => ({ ...one, alone }))
  // A word of its own may be another one only where something of this world is named.
  const mentions = sentence.tokens.some(
    ({ kind, word }) => kind !== 'word' || names.isName(word) || /\w[./]\w/.test(word),
  )
  if (!mentions) return []
  const mistaken = plain.filter(({ word }) => MISTAKEN.has(word))
  const elsewhere =
    mistaken.length > 0 ? mistaken : plain.filter(({ word }) => COMMON.has(word) && !words.lexicon.has(word))
  if (elsewhere.length > 1) return []
  return elsewhere
    .flatMap((token) => spellingsOf(sentence, token, words, names, guarding, false))
    .slice(0, CANDIDATES_MAX)
}

/** "turn on" and "turn of" mean the opposite. */
const PARTICLES = ['on', 'off', 'up', 'down']

/** The same text with words that are as near to the replaced one, though fingers make others of them. */
export function otherTexts({ text, tokens }: Sentence, { written, meant }: Respelled, { spelling }: Words): string[] {
  const token = tokens.find(({ kind, word }) => kind === 'word' && word === written)
  // "of" in place of "off" is an error of its own.
  const direct = PARTICLES.includes(meant)
  const near = [
    ...spelling.near(written).words,
    ...(direct ? [] : PARTICLES.filter((word) => editDistance(written, word, 1) <= 1)),
  ]
  return !token || direct
    ? []
    : near.filter((word) => word !== meant).map((word) => text.slice(0, token.start) + word + text.slice(token.end))
}

/** Whether an unknown word may be one that bars the sentence. */
export function mayBar({ tokens }: Sentence, words: Words, names: Names, barring: ReadonlySet<string>): boolean {
  return tokens.some(({ kind, word }) => {
    if (kind !== 'word' || !PLAIN.test(word) || word.length < LETTERS_MIN || hasMeaning(word, words, names))
      return false
    return names.typed(nameKey(word)).length === 0 && words.typed(word).some((one) => barring.has(one))
  })
}

/** Before a thing it is no English: "replace very "a" with "b"" has lost a letter. */
const MISTAKEN = new Set(['very'])

/** With one of these, what follows would be a reason, and be left out. */
const SEPARATING = new Set(['as', 'so', 'but', 'due', 'since', 'cos', 'bc'])

const hasMeaning = (word: string, { all }: Words, names: Names): boolean =>
  all.has(word) || names.isName(word) || names.isNoun(word) || CONTRACTED_WORDS.has(word) || word.endsWith("'s")

function spellingsOf(
  { text }: Sentence,
  { word, start, end }: Token,
  { typed, verbs }: Words,
  names: Names,
  guarding: ReadonlySet<string>,
  unknown: boolean,
): Respelled[] {
  if (word.length < LETTERS_MIN) return []
  const near = typed(word)
  const key = nameKey(word)
  const named = key.length < 3 ? [] : names.typed(key)
  // Between two known names nobody guesses.
  if (named.length > 1) return []
  const guarded = near.some((one) => guarding.has(one))
  const said = near.filter(
    (one) =>
      (one.length > 2 || FILLERS.has(one)) &&
      !SEPARATING.has(one) &&
      (!verbs.has(one) || unknown) &&
      !(word.length < 3 && !FILLERS.has(one) && !beginsAs(word, one)),
  )
  const noun = unknown ? names.nounFor(word) : undefined
  const target = named.flatMap((one) => names.targetsAt([one]).slice(0, 1)).map(({ name }) => name)
  return [...new Set([...target, ...(noun === undefined ? [] : [noun]), ...said])].map((one) => ({
    text: text.slice(0, start) + one + text.slice(end),
    written: word,
    meant: one.toLowerCase(),
    guarded: (guarded && !guarding.has(one)) || near.some((other) => other !== one && NEGATING.has(other)),
    alone: true,
  }))
}
