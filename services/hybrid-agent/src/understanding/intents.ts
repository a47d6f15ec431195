/**
 * Every rule is an intent. Its patterns, paraphrases and tests are the examples from which the linear model is trained
 * when packs load that are new; what rules decline, and sentences of everyday life, are examples of no intent.
 */

import type { Example, LinearModel } from '@deed/classifier/linear-model'
import { trainedModel } from '@deed/classifier/stored-model'
import { expandPattern, type PatternWord, wordsBeforeSlots, wordsOfPattern } from '../rules/expand-pattern.ts'
import { slotNodes } from '../rules/pattern.ts'
import type { CompiledRule, RulePack } from '../rules/rule-pack.ts'
import { type SlotReader, slotReader } from '../rules/slots.ts'
import { tokenize } from '../rules/tokenize.ts'
import { vocabularyOf } from '../rules/vocabulary.ts'
import { barOf, GUARDING } from './guards.ts'
import { namesOf } from './names.ts'
import { NO_INTENT } from './no-intent.ts'
import { normalise } from './normalise.ts'
import { CONTRACTED_WORDS, partsOf, type Words } from './parts.ts'
import { spellingIndex } from './spelling.ts'
import { SYNONYM_WORDS } from './synonyms.ts'
import { typedIndex } from './typing-errors.ts'
import { COMMON, COURTESY_WORDS, FILLERS, stemOf, TYPE_WORDS } from './words.ts'

export interface Intent {
  readonly rule: CompiledRule
  /** The stems of the words that its sentences have. */
  readonly vocabulary: ReadonlySet<string>
  /** The slots that every pattern of the rule fills. */
  readonly slots: readonly IntentSlot[]
}

export interface IntentSlot {
  readonly name: string
  readonly type: string
  readonly argument: string | undefined
  /** The words directly before it in the rule's sentences. */
  readonly before: ReadonlySet<string>
  /** Reads it from a sentence, where its type is not that of a part. */
  readonly read: SlotReader | undefined
}

export interface Intents {
  readonly all: readonly Intent[]
  readonly model: LinearModel
  /** The class of the model after those of `all`: no intent. */
  readonly none: number
  readonly words: Words
  /** Sentences, as generic words, that a test of a pack declines. */
  readonly declined: ReadonlySet<string>
  /** The words with which sentences of any rule begin. */
  readonly firstWords: ReadonlySet<string>
}

/** Bounds the time to train, which grows with the examples and with the rules. */
const EXAMPLES_BY_RULES_MAX = 800_000
const PER_RULE_MIN = 8
const PER_RULE_MAX = 100
const EACH_PATTERN_MIN = 3
const SEED = 7

export function intentsOf(packs: readonly RulePack[]): Intents {
  const rules = packs.flatMap((pack) => pack.rules).filter((rule) => rule.refuse === undefined)
  const random = seeded(SEED)
  const most = Math.max(
    PER_RULE_MIN,
    Math.min(PER_RULE_MAX, Math.floor(EXAMPLES_BY_RULES_MAX / Math.max(1, rules.length ** 2))),
  )
  const sentences = rules.map((rule) => sentencesOf(rule, most, random))
  const lexicon = new Set(rules.flatMap(wordsOf))
  const reading = new Set(rules.filter(({ changes }) => !changes).flatMap(firstWordsOf))
  const verbs = new Set(
    rules
      .filter(({ changes }) => changes)
      .flatMap(firstWordsOf)
      .filter((word) => isContent(word) && !reading.has(word) && !COURTESY_WORDS.has(word)),
  )
  const said = new Set([...lexicon, ...FILLERS, ...COURTESY_WORDS, ...GUARDING, ...SYNONYM_WORDS])
  const all = new Set([...said, ...COMMON, ...TYPE_WORDS, ...CONTRACTED_WORDS])
  const words: Words = { lexicon, verbs, spelling: spellingIndex(said), all, typed: typedIndex(all) }
  const tested = testedSentences(packs, words)
  const none = rules.length
  const examples: Example[] = []
  const add = (sentence: readonly string[], label: number): void => {
    if (sentence.length > 0) examples.push({ label, words: sentence })
  }
  for (const [index, rule] of rules.entries()) {
    for (const sentence of sentences[index]!) {
      add(sentence, index)
      if (isOrderOfOne(sentence)) add([sentence.at(-1)!, ...sentence.slice(0, -1)], index)
    }
    for (const sentence of tested.handled.get(rule.id) ?? []) add(sentence, index)
  }
  const meant = new Set(examples.map(({ words: said }) => said.filter((word) => word !== 'please').join(' ')))
  // A rule may decline for the type of what is named; then the words alone are those of an intent.
  const declined = tested.declined.filter((sentence) => !meant.has(sentence.join(' ')))
  for (const sentence of [...NO_INTENT, ...declined]) add(sentence, none)
  shuffled(examples, random)
  return {
    all: rules.map((rule, index) => ({
      rule,
      vocabulary: new Set([...sentences[index]!, ...(tested.handled.get(rule.id) ?? [])].flat().map(stemOf)),
      slots: slotsOf(rule),
    })),
    model: trainedModel(examples, rules.length + 1, none, random),
    none,
    words,
    declined: new Set(declined.map((sentence) => sentence.join(' '))),
    firstWords: new Set(rules.flatMap(firstWordsOf).filter(isContent)),
  }
}

function sentencesOf(rule: CompiledRule, most: number, random: () => number): string[][] {
  const { length } = rule.paraphrases
  const paraphrases = rule.paraphrases.filter(
    (_, at) => length <= most || Math.floor((at * most) / length) !== Math.floor(((at - 1) * most) / length),
  )
  // Among many rules a pattern gives one sentence, so that training stays short.
  const least = Math.min(EACH_PATTERN_MIN, Math.ceil(most / PER_RULE_MIN / 2))
  const each = Math.max(least, Math.ceil((most - paraphrases.length) / rule.patterns.length))
  return [
    ...rule.patterns.flatMap(({ node }) => expandPattern(node, each, random)),
    ...paraphrases.flatMap(({ node }) => expandPattern(node, 1, random)),
  ].map((sentence) => sentence.flatMap(genericWords))
}

/** The words of all sentences of a rule, of which `sentencesOf` gives some. */
const wordsOf = ({ patterns, paraphrases }: CompiledRule): string[] =>
  [...patterns, ...paraphrases].flatMap(({ node }) =>
    wordsOfPattern(node)
      .filter((word) => /\p{L}/u.test(word))
      .flatMap(contracted),
  )

const firstWordsOf = ({ patterns, paraphrases }: CompiledRule): string[] =>
  [...patterns, ...paraphrases].flatMap((pattern) => [...(pattern.firstWords ?? [])])

const CONTRACTED = new Map(
  Object.entries({
    "what's": ['what', 'is'],
    "who's": ['who', 'is'],
    "how's": ['how', 'is'],
    "where's": ['where', 'is'],
    "it's": ['it', 'is'],
    "that's": ['that', 'is'],
    "there's": ['there', 'is'],
    "isn't": ['is', 'not'],
    "doesn't": ['does', 'not'],
    "don't": ['do', 'not'],
    "won't": ['will', 'not'],
    "can't": ['can', 'not'],
  }),
)

const contracted = (word: string): readonly string[] => CONTRACTED.get(word) ?? [word]

/** "restart __service__" is also typed as "__service__ restart". */
const isOrderOfOne = (sentence: readonly string[]): boolean =>
  sentence.length === 2 && isContent(sentence[0]!) && sentence[1]!.startsWith('__')

/** A pattern's words as those of a sentence. */
function genericWords(word: PatternWord): readonly string[] {
  return typeof word === 'string' ? contracted(word) : [genericSlot(word.type, word.argument)]
}

export function genericSlot(type: string, argument: string | undefined): string {
  switch (type) {
    case 'target':
    case 'targets': {
      const [first = 'service'] = argument?.split('|') ?? []
      return ['process', 'systemd', 'docker', 'kubernetes', 'service'].includes(first) ? '__service__' : `__${first}__`
    }
    case 'rows':
      return '__nouns__'
    case 'entity':
      return argument === 'singular' ? '__noun__' : '__nouns__'
    case 'path':
    case 'paths':
    case 'file':
    case 'files':
      return '__path__'
    case 'quoted':
    case 'command':
      return '__text__'
    case 'url':
      return '__url__'
    case 'number':
      return '__number__'
    default:
      return '__name__'
  }
}

const OPTIONAL = new Set(['language'])
const READ_FROM_PARTS = new Set('target entity path file quoted command url name word phrase language rest'.split(' '))

function slotsOf(rule: CompiledRule): IntentSlot[] {
  const [first, ...others] = rule.patterns
  const before = wordsBefore(rule)
  return [...(first?.slots ?? [])]
    .filter(([name, type]) => !OPTIONAL.has(type) && others.every(({ slots }) => slots.has(name)))
    .map(([name, type]) => {
      const argument = argumentOf(rule, name)
      const read = READ_FROM_PARTS.has(type) ? undefined : slotReader(type, argument)
      return { name, type, argument, before: before.get(name) ?? new Set(), read }
    })
}

function argumentOf({ patterns }: CompiledRule, name: string): string | undefined {
  for (const { node } of patterns) {
    for (const slot of slotNodes(node)) if (slot.name === name && slot.argument !== undefined) return slot.argument
  }
  return undefined
}

function wordsBefore({ patterns, paraphrases }: CompiledRule): Map<string, Set<string>> {
  const before = new Map<string, Set<string>>()
  for (const { node } of [...patterns, ...paraphrases]) {
    for (const [slot, words] of wordsBeforeSlots(node)) {
      const known = before.get(slot) ?? new Set()
      for (const word of words) known.add(word)
      before.set(slot, known)
    }
  }
  return before
}

/** The sentences of the packs' tests, in the packs' own worlds. */
function testedSentences(packs: readonly RulePack[], words: Words) {
  const handled = new Map<string, string[][]>()
  const declined: string[][] = []
  for (const { rules, world } of packs) {
    const vocabulary = vocabularyOf(world)
    const names = namesOf(vocabulary)
    for (const { id, tests } of rules) {
      for (const { say, declines, refuses } of tests) {
        const sentence = tokenize(say)
        if (!sentence || refuses !== undefined) continue
        const { parts, reasons, withReasons, asksTo } = normalise(partsOf(sentence, vocabulary, names, words))
        const said = withReasons.map(({ word }) => word)
        // What English forbids says nothing about the words of the rules.
        if (declines !== undefined && !barOf(parts, reasons, sentence.asks && !asksTo)) declined.push(said)
        else if (declines !== undefined) continue
        else handled.set(id, [...(handled.get(id) ?? []), said])
      }
    }
  }
  return { handled, declined }
}

/** Whether a word carries meaning that an intent or a slot must explain. */
export const isContent = (word: string): boolean => !word.startsWith('__') && !FILLERS.has(word)

/** Numbers between 0 and 1 that are the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
}

function shuffled<T>(list: T[], random: () => number): void {
  for (let last = list.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[list[last], list[other]] = [list[other]!, list[last]!]
  }
}
