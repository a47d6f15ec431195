/**
 * Reads the targets that a sentence names: one, a list, or a set with exceptions.
 *
 *     demo-api · the demo-api service · a, b and c · both · all services · everything except a and b
 *
 * A word that could be a target's name or a set's ("all", where a target is called so) is neither, unless it is quoted
 * or a type word marks it as a name ("service all").
 */
import type { Sentence, Token } from './tokenize.ts'
import { isOfType, type TargetType, type Vocabulary } from './vocabulary.ts'

const ARTICLES = new Set(['the', 'our', 'my', 'your', 'a'])
const TYPE_WORDS = new Set(
  'service server process app application container deployment unit daemon database'.split(' '),
)
/** The nouns of sets. "Servers" and "processes" are as often machines and other programs, so they make no set. */
const SETS = new Map<string, TargetType>([
  ['services', 'service'],
  ['service', 'service'],
  ['containers', 'docker'],
  ['deployments', 'kubernetes'],
  ['units', 'systemd'],
  ['databases', 'sql'],
])
const CONNECTIVES = [['and', 'also'], ['as', 'well', 'as'], ['together', 'with'], ['and'], ['&'], ['plus']]
const EXCEPTIONS = [
  ['except', 'for'],
  ['except'],
  ['but', 'not'],
  ['and', 'not'],
  ['but'],
  ['not'],
  ['other', 'than'],
  ['apart', 'from'],
  ['aside', 'from'],
  ['excluding'],
]

export interface Listed {
  readonly value: readonly string[]
  /** The position after the last token taken. */
  readonly end: number
}

type Read<Found> = (sentence: Sentence, at: number, vocabulary: Vocabulary) => Found | undefined

/** @param types of the targets; undefined: all */
export function targetsReader(types: readonly string[] | undefined): Read<Listed> {
  return ({ text, tokens }, at, vocabulary) => {
    const reader = { text, tokens, vocabulary, types }
    return allOf(reader, at) ?? listAt(reader, wordsAt(tokens, at, ['both']) && nameAt(reader, at + 1) ? at + 1 : at)
  }
}

type ReadOne = Read<{ readonly value: unknown; readonly end: number }>

/**
 * Reads a list: "a.txt, b.txt and c.txt".
 *
 * @param alone reads the only value where it is no item of a list
 */
export function listReader(alone: ReadOne, item: ReadOne): Read<Listed> {
  return (sentence, at, vocabulary) => {
    const { tokens } = sentence
    const read = (one: ReadOne, position: number): ReturnType<ReadOne> =>
      tokens[position] && one(sentence, position, vocabulary)
    const values = new Set<string>()
    let end = at
    let found = read(item, wordsAt(tokens, at, ['both']) ? at + 1 : at)
    while (found) {
      values.add(String(found.value))
      end = found.end
      found = read(item, afterAny(tokens, end, CONNECTIVES)) ?? read(item, end)
    }
    if (values.size > 0) return { value: [...values], end }
    const only = read(alone, at)
    return only && { value: [String(only.value)], end: only.end }
  }
}

interface Reader {
  readonly text: string
  readonly tokens: readonly Token[]
  readonly vocabulary: Vocabulary
  readonly types: readonly string[] | undefined
}

interface NameFound {
  readonly name: string
  readonly end: number
  /** It is quoted, or a type word says that it is a name. */
  readonly marked: boolean
}

/** A target that is called so is named alone: "restart not a" forbids. */
const FUNCTION_WORDS = new Set(
  'and any but except if instead it no nobody none nor not nothing never only or than that them then this unless when without'.split(
    ' ',
  ),
)

/** "a, b and the c service"; punctuation is no token. */
function listAt(reader: Reader, at: number): Listed | undefined {
  const names = new Set<string>()
  let end = at
  let unclear = false
  const { text, tokens } = reader
  let next: NameFound | undefined = nameAt(reader, skipPluralType(reader, at))
  while (next) {
    names.add(next.name)
    unclear ||= !next.marked && FUNCTION_WORDS.has(next.name.toLowerCase())
    end = next.end
    const beyond = afterAny(tokens, end, CONNECTIVES)
    // Another sentence begins: it is not said of its names.
    if (/[.!?;]/.test(text.slice(tokens[end - 1]?.end, tokens[beyond]?.start))) break
    next = nameAt(reader, beyond) ?? nameAt(reader, end)
  }
  return names.size === 0 || (unclear && names.size > 1) ? undefined : { value: [...names], end }
}

/** "the services a and b", "the following: a and b" */
function skipPluralType({ tokens }: Reader, at: number): number {
  const noun = afterAny(tokens, at, [['the', 'following'], ...[...ARTICLES].map((article) => [article])])
  if (wordsAt(tokens, at, ['the', 'following']) && !SETS.has(tokens[noun]?.word ?? '')) return noun
  return SETS.has(tokens[noun]?.word ?? '') && tokens[noun]?.word.endsWith('s') ? noun + 1 : at
}

/** "demo-api", "the demo-api service", "the service called demo-api" */
function nameAt(reader: Reader, at: number): NameFound | undefined {
  const { tokens } = reader
  let position = ARTICLES.has(tokens[at]?.word ?? '') ? at + 1 : at
  let typed = TYPE_WORDS.has(tokens[position]?.word ?? '')
  if (typed) position++
  if (['called', 'named'].includes(tokens[position]?.word ?? '')) {
    typed = true
    position++
  }
  // A target may be called as a type is.
  const place = targetAt(reader, position) === undefined ? at : position
  const name = targetAt(reader, place)
  if (name === undefined) return undefined
  const end = TYPE_WORDS.has(tokens[place + 1]?.word ?? '') ? place + 2 : place + 1
  const marked = (typed && place === position) || end === place + 2 || tokens[place]?.kind !== 'word'
  return marked || !isSetWord(tokens[place]) ? { name, end, marked } : undefined
}

function targetAt({ tokens, vocabulary, types }: Reader, at: number): string | undefined {
  const target = vocabulary.targets.get(tokens[at]?.value.toLowerCase() ?? '')
  return target && (!types || types.some((type) => isOfType(target.type, type))) ? target.name : undefined
}

const SET_WORDS = new Set(['all', 'both', 'each', 'every', 'everything'])
const isSetWord = (token: Token | undefined): boolean => SET_WORDS.has(token?.word ?? '')

/** "all services", "everything except a", "both" */
function allOf(reader: Reader, at: number): Listed | undefined {
  const { tokens, vocabulary, types } = reader
  const word = tokens[at]?.word ?? ''
  if (!SET_WORDS.has(word) || vocabulary.targets.has(word)) return undefined
  const set = setAt(tokens, at, word)
  if (!set) return undefined
  const { type, end } = set
  const every = everyOf(vocabulary, types, type)
  if (word === 'both') return every.length === 2 ? { value: every, end } : undefined
  const exception = afterAny(tokens, end, EXCEPTIONS)
  if (exception === end) return { value: every, end }
  const without = listAt(reader, exception)
  const value = every.filter((name) => !without?.value.includes(name))
  // An exception that is not understood, or leaves nothing, means no set at all.
  return without === undefined || value.length === 0 ? undefined : { value, end: without.end }
}

/** The sets of a vocabulary: many patterns read the same words. */
const sets = new WeakMap<Vocabulary, Map<string, readonly string[]>>()

function everyOf(
  vocabulary: Vocabulary,
  types: readonly string[] | undefined,
  type: TargetType | undefined,
): readonly string[] {
  const known = sets.get(vocabulary) ?? new Map<string, readonly string[]>()
  sets.set(vocabulary, known)
  const key = `${types?.join('|') ?? ''} ${type ?? ''}`
  const names =
    known.get(key) ??
    [...vocabulary.targets.values()]
      .filter((target) => !types || types.some((wanted) => isOfType(target.type, wanted)))
      .filter((target) => type === undefined || isOfType(target.type, type))
      .map(({ name }) => name)
  known.set(key, names)
  return names
}

/** @returns the position after the words of the set, with the type that they name */
function setAt(tokens: readonly Token[], at: number, word: string): { type?: TargetType; end: number } | undefined {
  if (word === 'everything') return { end: at + 1 }
  let end = at + 1
  if (wordsAt(tokens, end, ['of', 'them'])) return { end: end + 2 }
  const of = tokens[end]?.word === 'of'
  if (of) end++
  if (ARTICLES.has(tokens[end]?.word ?? '')) end++
  const noun = tokens[end]?.word ?? ''
  const type = SETS.get(noun)
  if (type !== undefined && noun.endsWith('s') === (of || !['each', 'every'].includes(word)))
    return { type, end: end + 1 }
  return !of && end === at + 1 && ['all', 'both'].includes(word) ? { end } : undefined
}

const wordsAt = (tokens: readonly Token[], at: number, words: readonly string[]): boolean =>
  words.every((word, index) => tokens[at + index]?.word === word)

/** The position after the first of the phrases that is here, else `at`. */
function afterAny(tokens: readonly Token[], at: number, phrases: readonly (readonly string[])[]): number {
  return at + (phrases.find((words) => wordsAt(tokens, at, words))?.length ?? 0)
}
