/** The types of slots in a pattern. A value is data: it is inserted as it is and never expanded again. */
import { LANGUAGES } from '@deed/proto/template'
import { type RowsArgument, rowsAt } from './rows-slot.ts'
import { listReader, targetsReader } from './targets.ts'
import type { Sentence, Token } from './tokenize.ts'
import { type EntityValue, isOfType, type Noun, TARGET_TYPES, targetNamed, type Vocabulary } from './vocabulary.ts'

export type SlotValue = string | readonly string[] | EntityValue

export interface SlotFound {
  readonly value: SlotValue
  /** The position after the last token taken. */
  readonly end: number
  /** Whether the slot accepts any words. */
  readonly free?: boolean
}

export type SlotReader = (sentence: Sentence, at: number, vocabulary: Vocabulary) => SlotFound | undefined

interface SlotType {
  readonly arguments?: readonly string[]
  readonly reader: (argument: string | undefined) => SlotReader
}

/** Words that connect things and are not names. */
const NO_NAME = new Set([
  'the',
  'a',
  'an',
  'to',
  'of',
  'in',
  'on',
  'and',
  'or',
  'it',
  'that',
  'this',
  'all',
  'every',
  'my',
  'our',
])
const NUMBERS = 'one two three four five six seven eight nine ten eleven twelve'.split(' ')
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/
/** A path that cannot be mistaken for another word. */
const FILE_PATH = /^[^\s]*(\/|\.[A-Za-z][A-Za-z0-9]{0,5}$)[^\s]*$/

/** Of TypeScript and JavaScript. */
const SOURCE = /\.(?:[cm]?[jt]s|[jt]sx)$/
/** Of something that is declared in a source file, `total` or `Basket.total`. */
const IDENTIFIER = /^[A-Za-z_$][\w$]{0,127}(\.[A-Za-z_$#][\w$]{0,127}){0,3}$/

const DOMAIN = /^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}$/

const LANGUAGE_NAMES = new Map<string, string>([
  // Nobody says that something is written in Dockerfile: it is the thing.
  ...LANGUAGES.filter((language) => language !== 'dockerfile').map((language) => [language, language] as const),
  ['golang', 'go'],
  ['ts', 'typescript'],
  ['js', 'javascript'],
  ['shell', 'bash'],
])

const VERSION = /[:/@]|\d[.-]\d|[a-z-]\d|\d[a-z-]/i
const VERSIONED = new Set(['image', 'version', 'tag', 'build', 'release'])

const readPath: SlotReader = (sentence, at) => pathAt(sentence.tokens[at]!, at, () => true)
const fileReader =
  (argument: string | undefined): SlotReader =>
  (sentence, at) =>
    pathAt(
      sentence.tokens[at]!,
      at,
      (value) =>
        FILE_PATH.test(value) &&
        (argument === undefined || !value.endsWith('/')) &&
        (argument !== 'source' || SOURCE.test(value)),
    )

const SLOT_TYPES: Readonly<Record<string, SlotType>> = {
  /** One word that may be a name; with the argument `ref` that of a branch or a tag, in which a `/` is a part of it. */
  word: {
    arguments: ['ref'],
    reader: (argument) => (sentence, at) => {
      const { kind, value, word } = sentence.tokens[at]!
      const names = argument === 'ref' ? value.split('/') : [value]
      const fits = kind === 'word' && names.every((name) => NAME.test(name)) && !NO_NAME.has(word)
      return fits ? { value, end: at + 1 } : undefined
    },
  },
  /**
   * A word or a quoted text: the name of a row, a label. With the argument `other` no noun of a database; with `version` only
   * what looks like an image or its version, as `shop:2` and `v2`, or comes after a word that says so.
   */
  name: {
    arguments: ['other', 'version'],
    reader: (argument) => (sentence, at, vocabulary) => {
      const { kind, value, word } = sentence.tokens[at]!
      if (value === '' || value.length > 256 || (kind === 'word' && NO_NAME.has(word))) return undefined
      const isVersion = VERSION.test(value) || VERSIONED.has(sentence.tokens[at - 1]?.word ?? '')
      if (kind === 'word' && argument === 'version' && !isVersion) return undefined
      return kind === 'word' && argument === 'other' && isNoun(word, vocabulary) ? undefined : { value, end: at + 1 }
    },
  },
  /** A target of `execution.yaml` of one of the given types. */
  target: {
    arguments: TARGET_TYPES,
    reader: (argument) => {
      const types = argument?.split('|')
      return (sentence, at, vocabulary) => {
        const target = targetNamed(vocabulary, sentence.tokens[at]!.value)
        if (!target || (types && !types.some((type) => isOfType(target.type, type)))) return undefined
        return { value: target.name, end: at + 1 }
      }
    },
  },
  /** One or more targets of the given types: a name, a list of names, or a set such as "all services except x". */
  targets: { arguments: TARGET_TYPES, reader: (argument) => targetsReader(argument?.split('|')) },
  /** A noun of a database's entities, plural by default, singular with the argument `singular`. */
  entity: {
    arguments: ['singular'],
    reader: (argument) => (sentence, at, vocabulary) =>
      entityAt(argument === 'singular' ? vocabulary.singulars : vocabulary.plurals, sentence.tokens, at),
  },
  /**
   * The rest of a question over the rows of an entity. With the argument `labels` its noun may be a label of rows, with
   * `proper` only one like "Windows workstations"; with `bare` the noun is the first word, and a condition follows it.
   */
  rows: {
    arguments: ['labels', 'proper', 'bare'],
    reader: (argument) => (sentence, at, vocabulary) =>
      rowsAt(sentence, at, vocabulary, argument as RowsArgument | undefined),
  },
  path: { reader: () => readPath },
  /**
   * A path that has a folder or an extension; with the argument `regular`, without `/` at its end; with `source`, of a file
   * of TypeScript or JavaScript.
   */
  file: { arguments: ['regular', 'source'], reader: fileReader },
  /** A name in a program: any word that may be one, `a` and `to` too, or a quoted one. */
  identifier: {
    reader: () => (sentence, at) => {
      const { value } = sentence.tokens[at]!
      return IDENTIFIER.test(value) ? { value, end: at + 1 } : undefined
    },
  },
  /** One path, or several that have a folder or an extension: "a.txt, b.txt and c.txt". */
  paths: { reader: () => listReader(readPath, fileReader(undefined)) },
  /** One or more files, each as `file` reads it. */
  files: { arguments: ['regular'], reader: (argument) => listReader(fileReader(argument), fileReader(argument)) },
  /**
   * A path that may be a folder's; `/` at its end is left out. With the argument `marked` it has one, with `named` it has one
   * or is a name of its own, which no target and no noun has; with `other` it may be anything else than their names.
   */
  folder: {
    arguments: ['marked', 'named', 'other'],
    reader: (argument) => (sentence, at, vocabulary) => {
      const token = sentence.tokens[at]!
      const known = targetNamed(vocabulary, token.value) !== undefined || isNoun(token.word, vocabulary)
      const fits = (value: string) =>
        argument === undefined ||
        value.endsWith('/') ||
        (!known && (argument === 'other' || (argument === 'named' && !FILE_PATH.test(value))))
      const found = pathAt(token, at, fits)
      return found && { ...found, value: String(found.value).replace(/(?<=[^/])\/+$/, '') }
    },
  },
  /** Digits, or a word up to twelve; alone in a template, it is a number. */
  number: {
    reader: () => (sentence, at) => {
      const { value, word } = sentence.tokens[at]!
      if (/^\d{1,9}$/.test(value)) return { value, end: at + 1 }
      const said = NUMBERS.indexOf(word)
      return said < 0 ? undefined : { value: String(said + 1), end: at + 1 }
    },
  },
  quoted: {
    reader: () => (sentence, at) => {
      const { kind, value } = sentence.tokens[at]!
      return kind === 'word' ? undefined : { value, end: at + 1 }
    },
  },
  /** A command line in backticks or quotes. */
  command: {
    reader: () => (sentence, at) => {
      const { kind, value } = sentence.tokens[at]!
      return kind === 'word' || value.trim() === '' ? undefined : { value, end: at + 1 }
    },
  },
  url: {
    reader: () => (sentence, at) => {
      const { value } = sentence.tokens[at]!
      return /^https?:\/\//i.test(value) && URL.canParse(value) ? { value, end: at + 1 } : undefined
    },
  },
  /** The name of a host on the Internet, as in `example.com`. */
  domain: {
    reader: () => (sentence, at) => {
      const { word } = sentence.tokens[at]!
      return DOMAIN.test(word) ? { value: word, end: at + 1 } : undefined
    },
  },
  language: {
    reader: () => (sentence, at) => {
      const language = LANGUAGE_NAMES.get(sentence.tokens[at]!.word)
      return language === undefined ? undefined : { value: language, end: at + 1 }
    },
  },
  /** The remaining text, verbatim. */
  rest: {
    reader: () => (sentence, at) => ({
      value: sentence.text.slice(sentence.tokens[at]!.start).trim(),
      end: sentence.tokens.length,
      free: true,
    }),
  },
}

/** Slots that hold several values, for each of which an action can be repeated. */
export const LIST_TYPES: ReadonlySet<string> = new Set(['targets', 'paths', 'files'])

/** Validates a slot's type; `phrase`, one or more words, is built into patterns. */
export function slotProblem(type: string, argument: string | undefined): string | undefined {
  if (type === 'phrase') return argument === undefined ? undefined : 'phrase takes no argument'
  const known = Object.hasOwn(SLOT_TYPES, type) ? SLOT_TYPES[type] : undefined
  if (!known) return `there is no slot type "${type}"; there are ${[...Object.keys(SLOT_TYPES), 'phrase'].join(', ')}`
  const wrong = argument?.split('|').find((part) => !known.arguments?.includes(part))
  if (wrong === undefined) return undefined
  return `${type} takes no argument "${wrong}"${known.arguments ? `; it takes ${known.arguments.join(', ')}` : ''}`
}

/** The reader of a slot type that `slotProblem` accepts. */
export function slotReader(type: string, argument: string | undefined): SlotReader {
  const known = SLOT_TYPES[type]
  if (!known) throw new Error(`there is no slot type "${type}"`)
  return known.reader(argument)
}

const isNoun = (word: string, { plurals, singulars }: Vocabulary): boolean => plurals.has(word) || singulars.has(word)

function entityAt(
  nouns: ReadonlyMap<string, readonly Noun[]>,
  tokens: readonly Token[],
  at: number,
): SlotFound | undefined {
  for (const { words, entities } of nouns.get(tokens[at]!.word) ?? []) {
    if (!words.every((word, index) => tokens[at + index]?.word === word)) continue
    const [entity] = entities
    // Two databases use the noun: ambiguous.
    if (entity === undefined || entities.length > 1) return undefined
    return { value: entity, end: at + words.length }
  }
  return undefined
}

function pathAt({ kind, value, word }: Token, at: number, fits: (value: string) => boolean): SlotFound | undefined {
  if (value.length > 4096 || value === '' || /\p{Cc}/u.test(value) || !fits(value)) return undefined
  if (kind === 'word' && (NO_NAME.has(word) || /^[a-z]+:\/\//i.test(value))) return undefined
  return { value, end: at + 1 }
}
