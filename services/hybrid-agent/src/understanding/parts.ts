/**
 * A sentence as parts: words in lower case, and what they name made generic (a target, a noun of a database, a path, a
 * URL, a quoted text, a number, another name). Rules and tasks are compared by these.
 */
import { labelsLength } from '@deed/proto/courtesy'
import type { Sentence, Token } from '../rules/tokenize.ts'
import type { EntityValue, NamedTarget, Noun, Vocabulary } from '../rules/vocabulary.ts'
import { isOfType } from '../rules/vocabulary.ts'
import { type Names, nameKey } from './names.ts'
import type { SpellingIndex } from './spelling.ts'
import { SYNONYM_WORDS, synonymIn } from './synonyms.ts'
import { beginsAs } from './typing-errors.ts'
import { COMMON, COURTESY_WORDS, FILLERS, stemOf, TYPE_WORDS } from './words.ts'

export interface Part {
  readonly kind: 'word' | 'target' | 'noun' | 'path' | 'url' | 'text' | 'number' | 'name'
  /** In lower case, corrected; generic for a mention, as in `__service__`. */
  readonly word: string
  /** As a slot takes it: the target's own name, a text without its quotes. */
  readonly value: string
  /** The first and the last token. */
  readonly first: number
  readonly last: number
  /** Offset of the first token in the text. */
  readonly start: number
  /** Several where the name is ambiguous. */
  readonly targets?: readonly NamedTarget[]
  readonly entity?: EntityValue
  /** The token is inside backticks. */
  readonly code?: boolean
  /** The word as it was written, if spelling was corrected. */
  readonly written?: string
  /** A word of no rule, and none of everyday English that is known here. */
  readonly unknown?: boolean
  /** Punctuation before it: another clause begins. */
  readonly breaks: boolean
}

/** A part before its place in the text is known. */
type Found = Omit<Part, 'start'>

export interface Words {
  /** The words of the rules. */
  readonly lexicon: ReadonlySet<string>
  /** Those with which sentences begin that change something. */
  readonly verbs: ReadonlySet<string>
  readonly spelling: SpellingIndex
  /** All words that are known here: those of the rules, and of everyday English. */
  readonly all: ReadonlySet<string>
  /** The known words of which one may be a misspelling. */
  readonly typed: (word: string) => readonly string[]
}

/** Whether it may have been another word; a synonym may not. */
export const isCorrected = ({ written }: Part): boolean => written !== undefined && !SYNONYM_WORDS.has(written)

/** A plain word after one of these is a name. */
export const NAMING: ReadonlySet<string> = new Set('called named file folder directory branch'.split(' '))

const CONTRACTIONS: Readonly<Record<string, readonly string[]>> = {
  "don't": ['do', 'not'],
  dont: ['do', 'not'],
  "doesn't": ['does', 'not'],
  doesnt: ['does', 'not'],
  "didn't": ['did', 'not'],
  didnt: ['did', 'not'],
  "isn't": ['is', 'not'],
  isnt: ['is', 'not'],
  "ain't": ['is', 'not'],
  "aren't": ['are', 'not'],
  arent: ['are', 'not'],
  "wasn't": ['was', 'not'],
  "weren't": ['were', 'not'],
  "won't": ['will', 'not'],
  wont: ['will', 'not'],
  "can't": ['can', 'not'],
  cant: ['can', 'not'],
  cannot: ['can', 'not'],
  "couldn't": ['could', 'not'],
  "wouldn't": ['would', 'not'],
  "shouldn't": ['should', 'not'],
  shouldnt: ['should', 'not'],
  "mustn't": ['must', 'not'],
  "needn't": ['need', 'not'],
  "hasn't": ['has', 'not'],
  "haven't": ['have', 'not'],
  "hadn't": ['had', 'not'],
  whats: ['what', 'is'],
  hows: ['how', 'is'],
  its: ['it', 'is'],
  thats: ['that', 'is'],
  "let's": ['let', 'us'],
  lets: ['let', 'us'],
  gimme: ['give', 'me'],
  lemme: ['let', 'me'],
  gotta: ['have', 'to'],
  wanna: ['want', 'to'],
  u: ['you'],
  ur: ['your'],
  r: ['are'],
}
/** A map, since a sentence may have the word "constructor", which every object knows. */
const CONTRACTED = new Map(Object.entries(CONTRACTIONS))
export const CONTRACTED_WORDS: ReadonlySet<string> = new Set(CONTRACTED.keys())
/** Those that negate: "don't", "shouldnt". */
export const NEGATED_WORDS: ReadonlySet<string> = new Set(
  [...CONTRACTED]
    .filter(([, words]) => words.includes('not'))
    .map(([word]) => word)
    .concat('cannot'),
)
const ENDINGS: Readonly<Record<string, string>> = {
  "'s": 'is',
  "'re": 'are',
  "'m": 'am',
  "'d": 'would',
  "'ve": 'have',
  "'ll": 'will',
}
/** "what's" has a verb, "billing's" has an owner. */
const SUBJECTS = new Set(
  'what how who where when why it that this there here he she i you we they everything something nothing'.split(' '),
)
const URL_START = /^https?:\/\//i
const PATH = /^[^\s]*(\/|[\w)\]-]\.[A-Za-z][A-Za-z0-9]{0,5}$)[^\s]*$|^\.[A-Za-z][\w.-]+$/
const NUMBER = /^[+-]?\d+([.,]\d+)*(%|ms|s|m|h|d|min|mb|gb|kb)?$/i
/** Digits, dots, underscores or capitals inside: an identifier, which nobody corrects. */
const IDENTIFIER = /\d|[_.:@#=$*/\\<>[\]{}|~^+]|.-.|[a-z][A-Z]/

/** As in TODO and ERROR; of two letters it may be shouted. */
const CAPITALS = /^[A-Z]{3,}$/

export function partsOf(
  sentence: Sentence,
  vocabulary: Vocabulary,
  names: Names,
  words: Words | undefined,
): readonly Part[] {
  const tokens = sentence.tokens.map((token) => withNoun(token, names, words))
  const parts: Part[] = []
  let dash = false
  for (let at = labelsAt(sentence, names); at < tokens.length; ) {
    const token = tokens[at]!
    if (token.kind === 'word' && !/[\p{L}\p{N}]/u.test(token.value) && !PATH.test(token.value)) {
      dash = true
      at++
      continue
    }
    const breaks = dash || (parts.length > 0 && breaksBetween(sentence.text, tokens[at - 1]!, token))
    dash = false
    const found =
      token.kind === 'word'
        ? (nounAt(vocabulary, tokens, at, breaks) ??
          targetAt(sentence.text, tokens, at, breaks, names, words) ??
          plainAt(token, at, breaks, tokens[at - 1]?.word, names, words))
        : [textAt(token, at, breaks)]
    for (const part of found) parts.push({ ...part, start: token.start })
    at = found[found.length - 1]!.last + 1
  }
  return parts
}

/** The number of tokens in front that are the labels of a message, unless they name something of the world. */
function labelsAt({ text, tokens }: Sentence, names: Names): number {
  const length = labelsLength(text)
  const first = length === 0 ? 0 : tokens.findIndex(({ start }) => start >= length)
  return first > 0 && tokens.slice(0, first).some(({ word }) => names.isName(word)) ? 0 : Math.max(0, first)
}

/** The class of a target in a sentence, as a word. */
export const classOf = (target: NamedTarget): string =>
  isOfType(target.type, 'service') ? '__service__' : `__${target.type}__`

/** A dash between words separates, one inside a word does not. */
const BREAK = /[,;.!?()\n]|\s[-–—]\s/

const breaksBetween = (text: string, before: Token, after: Token): boolean =>
  BREAK.test(text.slice(before.end, after.start))

function textAt({ value, kind }: Token, at: number, breaks: boolean): Found {
  return { kind: 'text', word: '__text__', value, first: at, last: at, code: kind === 'code', breaks }
}

/** The token with a misspelt noun of a database corrected. */
function withNoun(token: Token, names: Names, words: Words | undefined): Token {
  const { kind, word } = token
  if (!words || kind !== 'word' || !PLAIN.test(word) || inVocabulary(word, words) || names.isName(word)) return token
  const meant = names.nounFor(word)
  return meant === undefined ? token : { ...token, word: meant }
}

const PLAIN = /^[a-z'-]+$/

const isEnglish = (word: string): boolean =>
  COMMON.has(word) || FILLERS.has(word) || TYPE_WORDS.has(word) || COURTESY_WORDS.has(word)

const inVocabulary = (word: string, { lexicon }: Words): boolean => lexicon.has(word) || isEnglish(word)

function nounAt(
  { plurals, singulars }: Vocabulary,
  tokens: readonly Token[],
  at: number,
  breaks: boolean,
): Found[] | undefined {
  for (const [nouns, word] of [
    [plurals, '__nouns__'],
    [singulars, '__noun__'],
  ] as const) {
    for (const { words, entities } of (nouns as ReadonlyMap<string, readonly Noun[]>).get(tokens[at]!.word) ?? []) {
      const [entity] = entities
      if (!entity || entities.length > 1 || !words.every((one, index) => tokens[at + index]?.word === one)) continue
      const last = at + words.length - 1
      return [{ kind: 'noun', word, value: words.join(' '), first: at, last, entity, breaks }]
    }
  }
  return undefined
}

function targetAt(
  text: string,
  tokens: readonly Token[],
  at: number,
  breaks: boolean,
  names: Names,
  words: Words | undefined,
): Found[] | undefined {
  const span: string[] = []
  let best: Found | undefined
  for (let last = at; last < Math.min(tokens.length, at + names.wordsMax); last++) {
    const token = tokens[last]!
    if (token.kind !== 'word' || (last > at && breaksBetween(text, tokens[last - 1]!, token))) break
    span.push(token.word)
    // "the api" begins with a word of the sentence, and is an alias.
    const targets = names.targetsAt(span)
    if (targets.length === 0) {
      best ??=
        last > at && words && !span.some(connects) && span.some((word) => !inVocabulary(word, words))
          ? misspelt(span, at, last, breaks, names)
          : undefined
      continue
    }
    // A target that is called as a word of the rules, such as `all`: only patterns may take it for one.
    if (last === at && isOrdinary(token.word, words)) continue
    best = targetPart(targets, at, last, breaks)
  }
  return best && [best]
}

/** "or testservice" is no misspelt name. */
const connects = (word: string, at: number): boolean => FILLERS.has(word) && !(at === 0 && /^(?:the|an?)$/.test(word))

/** A name that is written as several words, one of them wrong: "the demi api". */
function misspelt(
  span: readonly string[],
  first: number,
  last: number,
  breaks: boolean,
  names: Names,
): Found | undefined {
  const written = span.join(' ')
  const { words: near } = /^[a-z ]+$/.test(written) ? names.spelling.near(nameKey(written)) : { words: [] }
  const targets = near.length === 1 ? names.targetsAt([near[0]!]) : []
  return targets.length === 1 ? targetPart(targets, first, last, breaks, written) : undefined
}

const isOrdinary = (word: string, words: Words | undefined): boolean =>
  FILLERS.has(word) || TYPE_WORDS.has(word) || (words?.lexicon.has(word) ?? false)

function targetPart(
  targets: readonly NamedTarget[],
  first: number,
  last: number,
  breaks: boolean,
  written?: string,
): Found {
  const [target] = targets as [NamedTarget]
  return {
    kind: 'target',
    word: classOf(target),
    value: target.name,
    first,
    last,
    targets,
    breaks,
    ...(written === undefined ? {} : { written }),
  }
}

function plainAt(
  token: Token,
  at: number,
  breaks: boolean,
  after: string | undefined,
  names: Names,
  words: Words | undefined,
): Found[] {
  const { value, word } = token
  const part = (kind: Part['kind'], generic: string): Found[] => [
    { kind, word: generic, value, first: at, last: at, breaks },
  ]
  const plain = (text: string, written?: string): Found => ({
    kind: 'word',
    // What is written never looks like a generic word.
    word: text.replace(/^_+/, '_'),
    value,
    first: at,
    last: at,
    breaks,
    ...(written === undefined ? {} : { written }),
  })
  const spelled = CONTRACTED.get(word)
  if (spelled) return spelled.map((one, index) => ({ ...plain(one), breaks: breaks && index === 0 }))
  const ending = /'(s|re|m|d|ve|ll)$/.exec(word)?.[0]
  if (ending !== undefined) {
    const stem = word.slice(0, -ending.length)
    const targets = names.targetsAt([stem])
    if (targets.length > 0 && !isOrdinary(stem, words)) return [targetPart(targets, at, at, breaks)]
    const corrected = words && !inVocabulary(stem, words) ? words.spelling.near(stem).words[0] : undefined
    if (corrected !== undefined && SUBJECTS.has(corrected))
      return [plain(corrected, stem), { ...plain(ENDINGS[ending]!), breaks: false }]
    if (SUBJECTS.has(stem)) return [plain(stem), { ...plain(ENDINGS[ending]!), breaks: false }]
    const owner =
      words && !inVocabulary(stem, words)
        ? correctedAt({ ...token, value: stem, word: stem }, at, breaks, false, names, words)
        : undefined
    return [owner?.kind === 'target' ? owner : plain(stem)]
  }
  const verb = words && after === 'mind' ? verbOf(word, words) : undefined
  if (verb !== undefined) return [plain(verb)]
  if (words?.lexicon.has(word)) return [plain(word)]
  const synonym = words && synonymIn(word, words.lexicon)
  if (synonym !== undefined) return [plain(synonym, word)]
  if (URL_START.test(value)) return part('url', '__url__')
  if (NUMBER.test(value)) return part('number', '__number__')
  if (PATH.test(value)) return part('path', '__path__')
  const identifier = IDENTIFIER.test(value) || CAPITALS.test(value)
  // A name is as it is written.
  const known = isEnglish(word) || NAMING.has(after ?? '')
  if (known || !words || word.length > 40) return identifier ? part('name', '__name__') : [plain(word)]
  return [correctedAt(token, at, breaks, identifier, names, words)]
}

/** A name of the world is corrected also inside an identifier such as `demo-apo`, unless it has digits or dots. */
function correctedAt(
  { value, word }: Token,
  at: number,
  breaks: boolean,
  identifier: boolean,
  names: Names,
  words: Words,
): Found {
  const as = (kind: Part['kind'], generic: string): Found => ({
    kind,
    word: generic,
    value,
    first: at,
    last: at,
    breaks,
  })
  const untouched: Found = identifier ? as('name', '__name__') : { ...as('word', word), unknown: true }
  if (/[^a-z'-]/.test(word)) return untouched
  const name = names.spelling.near(word.replaceAll(/[-']/g, ''))
  const other = identifier ? { words: [], distance: 0 } : words.spelling.near(word)
  const nameFits = name.words.length > 0 && (other.words.length === 0 || name.distance < other.distance)
  if (nameFits) {
    const targets = [...new Set(name.words.flatMap((key) => names.targetsAt([key])))]
    // Between two known names nobody guesses.
    return targets.length === 1 ? targetPart(targets, at, at, breaks, word) : untouched
  }
  const [meant, another] = other.words
  // "finished" is no misspelt "finish".
  if (meant !== undefined && /(?:ing|ed|s)$/.test(word) && stemOf(word) === stemOf(meant)) return as('word', word)
  if (meant === undefined || name.words.length > 0 || !mayStandFor(word, meant, words)) return untouched
  // It could be several words, and each of them would only connect.
  if (another !== undefined && !other.words.every((one) => FILLERS.has(one) && !PARTICLES.has(one))) return untouched
  return { ...as('word', words.lexicon.has(meant) ? meant : (synonymIn(meant, words.lexicon) ?? meant)), written: word }
}

/** "turn on" and "turn of" mean the opposite. */
const PARTICLES = new Set(['on', 'off', 'of', 'up', 'down', 'in', 'out'])
const LETTERS_FOR_FIRST = 5

/** "unrestart" is not a misspelt "restart": the first letter of what changes something is right, or swapped with the second. */
const mayStandFor = (written: string, word: string, { verbs }: Words): boolean =>
  beginsAs(written, word) ||
  (written.length >= LETTERS_FOR_FIRST && !verbs.has(word) && written.length <= word.length + 1)

/** The verb of "would you mind restarting it". */
function verbOf(word: string, { lexicon }: Words): string | undefined {
  const stem = /^(\w{2,})ing$/.exec(word)?.[1]
  return stem === undefined ? undefined : [stem, `${stem}e`, stem.slice(0, -1)].find((one) => lexicon.has(one))
}
