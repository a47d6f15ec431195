/**
 * Every rule is an intent. Its patterns, paraphrases and tests are the examples from which the linear model is trained
 * when the packs load; what rules decline, and sentences of everyday life, are examples of no intent.
 */
import { expandPattern, type PatternWord, wordsBeforeSlots } from '../rules/expand-pattern.ts'
import type { CompiledRule, RulePack } from '../rules/rule-pack.ts'
import { tokenize } from '../rules/tokenize.ts'
import { vocabularyOf } from '../rules/vocabulary.ts'
import { featuresOf } from './features.ts'
import { barOf, GUARDING } from './guards.ts'
import { type Example, type LinearModel, trainLinearModel } from './linear-model.ts'
import { namesOf } from './names.ts'
import { NO_INTENT } from './no-intent.ts'
import { normalise } from './normalise.ts'
import { partsOf, type Words } from './parts.ts'
import { spellingIndex } from './spelling.ts'
import { SYNONYM_WORDS } from './synonyms.ts'
import { typedIndex } from './typing-errors.ts'
import { COMMON, COURTESY_WORDS, FILLERS, stemOf, TYPE_WORDS } from './words.ts'

export interface Intent {
  readonly rule: CompiledRule
  /** The stems of the words that its sentences have. */
  readonly vocabulary: ReadonlySet<string>
  /** The words directly before a slot, by the slot's name. */
  readonly before: ReadonlyMap<string, ReadonlySet<string>>
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

/** Bounds the time to train, however many rules there are. */
const EXAMPLES_MAX = 4_000
const PER_RULE_MIN = 8
const PER_RULE_MAX = 60
const SEED = 7

export function intentsOf(packs: readonly RulePack[]): Intents {
  const rules = packs.flatMap((pack) => pack.rules).filter((rule) => rule.refuse === undefined)
  const random = seeded(SEED)
  const most = Math.max(PER_RULE_MIN, Math.min(PER_RULE_MAX, Math.floor(EXAMPLES_MAX / Math.max(1, rules.length))))
  const sentences = rules.map((rule) => sentencesOf(rule, most, random))
  const lexicon = new Set(sentences.flat().flatMap((sentence) => sentence.filter((word) => !word.startsWith('__'))))
  const reading = new Set(rules.filter(({ changes }) => !changes).flatMap(firstWordsOf))
  const verbs = new Set(
    rules
      .filter(({ changes }) => changes)
      .flatMap(firstWordsOf)
      .filter((word) => isContent(word) && !reading.has(word) && !COURTESY_WORDS.has(word)),
  )
  const said = new Set([...lexicon, ...FILLERS, ...COURTESY_WORDS, ...GUARDING, ...SYNONYM_WORDS])
  const all = new Set([...said, ...COMMON, ...TYPE_WORDS])
  const words: Words = { lexicon, verbs, spelling: spellingIndex(said), all, typed: typedIndex(all) }
  const tested = testedSentences(packs, words)
  const none = rules.length
  const examples: Example[] = []
  const add = (sentence: readonly string[], label: number): void => {
    if (sentence.length > 0) examples.push({ features: featuresOf(sentence), label, words: sentence })
  }
  for (const [index, rule] of rules.entries()) {
    for (const sentence of sentences[index]!) {
      add(sentence, index)
      if (isOrderOfOne(sentence)) add([sentence.at(-1)!, ...sentence.slice(0, -1)], index)
    }
    for (const sentence of tested.handled.get(rule.id) ?? []) add(sentence, index)
  }
  const meant = new Set(examples.map(({ words: said }) => said.join(' ')))
  // A rule may decline for the type of what is named; then the words alone are those of an intent.
  const declined = tested.declined.filter((sentence) => !meant.has(sentence.join(' ')))
  for (const sentence of [...NO_INTENT, ...declined]) add(sentence, none)
  shuffled(examples, random)
  return {
    all: rules.map((rule, index) => ({
      rule,
      vocabulary: new Set([...sentences[index]!, ...(tested.handled.get(rule.id) ?? [])].flat().map(stemOf)),
      before: wordsBefore(rule),
    })),
    model: trainLinearModel(examples, rules.length + 1, none, random),
    none,
    words,
    declined: new Set(declined.map((sentence) => sentence.join(' '))),
    firstWords: new Set(rules.flatMap(firstWordsOf).filter(isContent)),
  }
}

function sentencesOf(rule: CompiledRule, most: number, random: () => number): string[][] {
  const paraphrases = rule.paraphrases.slice(0, most)
  const each = Math.max(3, Math.ceil((most - paraphrases.length) / rule.patterns.length))
  return [
    ...rule.patterns.flatMap(({ source }) => expandPattern(source, each, random)),
    ...paraphrases.flatMap(({ source }) => expandPattern(source, 1, random)),
  ].map((sentence) => sentence.flatMap(genericWords))
}

const firstWordsOf = ({ patterns, paraphrases }: CompiledRule): string[] =>
  [...patterns, ...paraphrases].flatMap((pattern) => [...(pattern.firstWords ?? [])])

const CONTRACTED: Readonly<Record<string, readonly string[]>> = {
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
}

/** "restart __service__" is also typed as "__service__ restart". */
const isOrderOfOne = (sentence: readonly string[]): boolean =>
  sentence.length === 2 && isContent(sentence[0]!) && sentence[1]!.startsWith('__')

/** A pattern's words as those of a sentence. */
function genericWords(word: PatternWord): readonly string[] {
  return typeof word === 'string' ? (CONTRACTED[word] ?? [word]) : [genericSlot(word.type, word.argument)]
}

export function genericSlot(type: string, argument: string | undefined): string {
  switch (type) {
    case 'target':
    case 'targets': {
      const [first = 'service'] = argument?.split('|') ?? []
      return ['process', 'systemd', 'docker', 'kubernetes', 'service'].includes(first) ? '__service__' : `__${first}__`
    }
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

function wordsBefore({ patterns, paraphrases }: CompiledRule): Map<string, Set<string>> {
  const before = new Map<string, Set<string>>()
  for (const { source } of [...patterns, ...paraphrases]) {
    for (const [slot, words] of wordsBeforeSlots(source)) {
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
