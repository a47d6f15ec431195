/**
 * The words of a question over the rows of an entity: its noun, and the words around it that say which rows.
 *
 * Only the executor knows the columns and the values, so it reads the words. Here it is decided whether they are such
 * words at all: a noun of execution.yaml, at most a few words before it, and behind it words that begin a condition.
 */
import { editDistance } from '@deed/config/nearest'
import type { Sentence, Token } from './tokenize.ts'
import type { EntityValue, Noun, Vocabulary } from './vocabulary.ts'

const BEFORE_MAX = 5
const LABEL_MAX = 4
const TOKENS_MAX = 60

const set = (words: string): ReadonlySet<string> => new Set(words.split(/\s+/))

/** They begin what says which rows are meant. */
const OPENERS =
  set(`in on at from of with without that which who whose where is are was were not no older newer younger more less
  fewer over under above below before after since between except excluding having named called like to run running use using located based`)
/** Of what is said with them, nobody knows whether it asks. */
const STATING = set('is are was were have has like use run using')
const PARTICIPLE = /[^e]ed$|^(?:un|in)\w{4,}$|^(?:bought|sold|lent|given|kept|held|made|built)$/
/** A sentence with one of them asks something else than which rows there are. */
const OTHER_QUESTIONS =
  set(`should shall would could can may might must if when why how whether then restart start stop delete remove
  create drop update change set add make fix write deploy kill rename move undo roll insert into`)
/** They name what other kinds count: files, processes, times. */
const OTHER_NOUNS =
  set(`file files folder folders directory directories line lines word words characters times time seconds minutes
  hours days weeks months years bytes megabytes gigabytes mb gb percent process processes service services port ports replicas pods
  containers nodes commits branches tags changes tasks executions approvals steps actions rules kinds goals schedules messages
  consumers streams errors logs tables columns rows databases people ways memory disk space cpu it them this that these those we i
  you tests users sessions connections threads cores requests packages number count amount quantity total sum`)
/** Around the noun they say nothing. */
const IDLE = set('me us the our my all of any a an')
const HAVING = [
  ...[
    'do we have',
    'do we own',
    'do we use',
    'do you have',
    'do they have',
    'have we got',
    'are there',
    'we have',
    'there are',
  ],
  ...['exist', 'altogether', 'in total', 'in all'],
].map((words) => words.split(' '))
/** How the rows are grouped. */
const PER = [
  ['per'],
  ['by'],
  ['for', 'each'],
  ['in', 'each'],
  ['of', 'each'],
  ['grouped', 'by'],
  ['split', 'by'],
  ['broken', 'down', 'by'],
]

interface RowsFound {
  readonly value: EntityValue
  /** The position after the last token: the end of the sentence. */
  readonly end: number
  readonly free: true
}

/**
 * `labels`: the noun may be unknown; then it is a label of rows in the only database that has labels. `proper`: the same, if
 * it is written like a name in the plural. `bare`: nothing is before the noun, and a condition follows.
 */
export type RowsArgument = 'labels' | 'proper' | 'bare'

export function rowsAt(
  sentence: Sentence,
  at: number,
  vocabulary: Vocabulary,
  argument: RowsArgument | undefined,
): RowsFound | undefined {
  const { tokens } = sentence
  const end = tokens.length
  if (end - at > TOKENS_MAX || tokens.slice(at).some(({ word }) => OTHER_QUESTIONS.has(word))) return undefined
  const noun = nounAt(tokens, at, vocabulary)
  if (noun === 'ambiguous') return undefined
  const found = noun ?? (argument === undefined || argument === 'bare' ? undefined : labelAt(tokens, at, vocabulary))
  if (!found) return undefined
  if (argument === 'proper' && !noun && !isProper(tokens.slice(found.from, found.to))) return undefined
  const { entity, from, to } = found
  const before = withoutIdle(tokens.slice(at, from))
  if (before.some(({ word }) => OPENERS.has(word) || OTHER_NOUNS.has(word))) return undefined
  const rest = perIn(withoutHaving(tokens.slice(to)))
  const [first] = rest.after
  if (first && !(OPENERS.has(first.word) || PARTICIPLE.test(first.word))) return undefined
  if (argument === 'bare' && (found.from > at || !first || STATING.has(first.word))) return undefined
  const [said, behind] = [textOf(sentence, before), textOf(sentence, rest.after)]
  const value: Record<string, string> = {
    target: entity.target!,
    noun: entity.noun!,
    before: said,
    after: behind,
    said: [said, entity.noun!, behind.replace(/^(?:(?:that|which|who) )?(?:is|are|was|were) /, '')]
      .filter((text) => text !== '')
      .join(' '),
  }
  if (rest.per.length > 0) value.per = textOf(sentence, rest.per)
  return { value, end, free: true }
}

interface Found {
  readonly entity: EntityValue
  readonly from: number
  readonly to: number
}

/** The first noun of the sentence, in the plural or the singular. */
function nounAt(
  tokens: readonly Token[],
  at: number,
  { plurals, singulars }: Vocabulary,
): Found | 'ambiguous' | undefined {
  for (let from = at; from < Math.min(tokens.length, at + BEFORE_MAX + 1); from++) {
    const { kind, word } = tokens[from]!
    if (kind !== 'word') continue
    const noun = [plurals, singulars].map((nouns) => longest(nouns.get(word), tokens, from)).find((one) => one)
    if (!noun) {
      // Behind such a word another part of the sentence begins.
      if (OPENERS.has(word)) return undefined
      continue
    }
    const [entity] = noun.entities
    if (entity === undefined || noun.entities.length > 1) return 'ambiguous'
    return { entity, from, to: from + noun.words.length }
  }
  return undefined
}

const longest = (nouns: readonly Noun[] | undefined, tokens: readonly Token[], at: number): Noun | undefined =>
  nouns?.find(({ words }) => words.every((word, index) => tokens[at + index]?.word === word))

/** The words up to the first condition, in the only database that has entities. */
function labelAt(tokens: readonly Token[], at: number, vocabulary: Vocabulary): Found | undefined {
  const [only, other] = labelledIn(vocabulary)
  if (only === undefined || other !== undefined) return undefined
  const from = at + tokens.slice(at).findIndex(({ word }) => !IDLE.has(word))
  const length = tokens.slice(from).findIndex(({ word }, index) => ends(tokens, from + index, word))
  const to = length < 0 ? tokens.length : from + length
  const label = tokens.slice(from, to)
  const fits = ({ kind, word, value }: Token): boolean =>
    kind === 'word' && !OTHER_NOUNS.has(word) && /^[\p{L}\p{N}][\p{L}\p{N}&+'-]*$/u.test(value)
  if (label.length === 0 || label.length > LABEL_MAX || !label.every(fits)) return undefined
  // "asets" is no label, but a misspelt noun.
  if (label.some(({ word }) => isMisspeltNoun(word, vocabulary))) return undefined
  return { entity: { target: only, noun: label.map(({ value }) => value).join(' ') }, from, to }
}

const labelled = new WeakMap<Vocabulary, readonly string[]>()

/** The databases that have labels of rows; many patterns ask for them. */
function labelledIn(vocabulary: Vocabulary): readonly string[] {
  const known =
    labelled.get(vocabulary) ??
    Object.entries(vocabulary.world.targets)
      .filter(
        ([, target]) =>
          target.type === 'sql' && Object.values(target.entities).some(({ label_column }) => label_column),
      )
      .map(([name]) => name)
  labelled.set(vocabulary, known)
  return known
}

const LETTERS_TO_MISSPELL = 4

const isMisspeltNoun = (word: string, { plurals, singulars }: Vocabulary): boolean =>
  word.length >= LETTERS_TO_MISSPELL &&
  [...plurals.keys(), ...singulars.keys()].some((noun) => noun !== word && editDistance(word, noun) === 1)

/** "Windows workstations", "MacBooks" */
const isProper = (label: readonly Token[]): boolean =>
  /^[A-Z][A-Za-z0-9]*[a-z0-9]/.test(label[0]?.value ?? '') && /[a-z]s$/.test(label.at(-1)?.value ?? '')

const ends = (tokens: readonly Token[], at: number, word: string): boolean =>
  OPENERS.has(word) || [...HAVING, ...PER].some((words) => isAt(words, tokens, at))

const isAt = (words: readonly string[], tokens: readonly Token[], at: number): boolean =>
  words.every((word, index) => tokens[at + index]?.word === word)

const withoutIdle = (tokens: readonly Token[]): readonly Token[] => {
  const first = tokens.findIndex(({ word }) => !IDLE.has(word))
  return first < 0 ? [] : tokens.slice(first)
}

/** "do we have in Berlin": what is behind. */
function withoutHaving(tokens: readonly Token[]): readonly Token[] {
  const said = HAVING.find((words) => isAt(words, tokens, 0))
  return said ? withoutHaving(tokens.slice(said.length)) : tokens
}

/** "per type in Berlin", "in Berlin by type". */
function perIn(tokens: readonly Token[]): { after: readonly Token[]; per: readonly Token[] } {
  for (let at = 0; at < tokens.length; at++) {
    const words = PER.find((said) => isAt(said, tokens, at))
    // "owned by anna", "assigned by the system"
    const passive = words?.[0] === 'by' && at > 0 && /(?:ed|en|wn|made|built)$/.test(tokens[at - 1]!.word)
    if (!words || passive) continue
    const from = at + words.length
    const next = tokens
      .slice(from)
      .findIndex(
        ({ word }, index) =>
          index > 0 && (OPENERS.has(word) || HAVING.some((said) => isAt(said, tokens, from + index))),
      )
    const to = next < 0 ? tokens.length : from + next
    return { after: [...tokens.slice(0, at), ...withoutHaving(tokens.slice(to))], per: tokens.slice(from, to) }
  }
  return { after: tokens, per: [] }
}

/** As it is written, with its quotes, and with commas, which separate values. */
const textOf = ({ text }: Sentence, tokens: readonly Token[]): string =>
  tokens
    .map(({ start, end }, index) => {
      const last = tokens[index - 1]
      const gap = last === undefined ? '' : text.slice(last.end, start).includes(',') ? ', ' : ' '
      return `${gap}${text.slice(start, end)}`
    })
    .join('')
