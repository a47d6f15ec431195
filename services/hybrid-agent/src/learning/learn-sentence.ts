/** What a proven task teaches: which of its words are names, and what the sentence means. */
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { AgentTask, Solution } from '@deed/proto/agent'
import type { Json } from '@deed/proto/json'
import { redact, redactValue } from '@deed/telemetry/redact'
import { untrustedSources } from '../models/untrusted-sources.ts'
import type { CompiledRule } from '../rules/rule-pack.ts'
import type { SlotValue } from '../rules/slots.ts'
import type { Sentence } from '../rules/tokenize.ts'
import type { EntityValue, Vocabulary } from '../rules/vocabulary.ts'
import type { LearnedSentence, Meaning, SlotSource } from '../store/learned-sentence.ts'
import { type Generalised, generalise, type Name, textOf } from './generalise.ts'
import {
  changes,
  type Grounds,
  isBare,
  mapTexts,
  nounOf,
  readingOf,
  readSlot,
  replyFrom,
  type Said,
  solutionBy,
} from './recall.ts'

export interface Lesson {
  readonly task: AgentTask
  readonly solution: Solution
  readonly source: 'choice' | 'model'
}

export type Taught = { readonly learned: LearnedSentence } | { readonly reason: string }

const SENTENCE_CHARS_MAX = 300
/** These mean what was said before, or what can be seen. */
const POINTING = new Set('it this that these those them they he she one ones same'.split(' '))
/** What a model's plan made of these is old tomorrow. */
const TIMELY = new Set(
  "today today's tonight tomorrow yesterday yesterday's now current currently latest date time week month year".split(
    ' ',
  ),
)

/** @returns the sentence to store, or why nothing can be learned from the task */
export function learnSentence(
  { task, solution, source }: Lesson,
  { sentence, mayChange }: Said,
  grounds: Grounds,
): Taught {
  if (!mayChange && changes(solution)) return { reason: 'the words do not instruct' }
  const general = generalise(sentence, grounds.vocabulary)
  const problem = general === undefined ? 'the sentence is too long' : faultOf(task, solution, general)
  if (problem !== undefined) return { reason: problem }
  const { words, names, parts } = general!
  const meaning = meaningOf(task, solution, sentence, names, grounds)
  if ('reason' in meaning) return meaning
  // What is stored must give the same actions again.
  const again = replyFrom(meaning, names, sentence, task, grounds)
  if (!again || !isDeepStrictEqual(bare(again.solution), bare(solution))) {
    return { reason: 'the sentence does not lead to the same actions again' }
  }
  const slotOf = new Map(
    Object.entries(meaning.slots).flatMap(([slot, from]) => ('name' in from ? [[from.name, slot]] : [])),
  )
  const fixed = Object.fromEntries(names.flatMap(({ text }, number) => (slotOf.has(number) ? [] : [[number, text]])))
  const shown = parts.map((part) => {
    if (typeof part === 'string') return part
    const slot = slotOf.get(names.indexOf(part))
    if (slot !== undefined) return `{${slot}}`
    return part.kind === 'quoted' ? JSON.stringify(part.text) : part.text
  })
  const pattern = `${shown.join(' ')}${sentence.asks ? '?' : ''}`
  return {
    learned: {
      id: createHash('sha256').update(pattern).digest('hex').slice(0, 12),
      words,
      sentence: pattern,
      said: textOf(sentence),
      fixed,
      meaning,
      reading: readingOf(solution),
      source,
    },
  }
}

function faultOf(task: AgentTask, { actions }: Solution, { words, names }: Generalised): string | undefined {
  const { description } = task
  if (description.length > SENTENCE_CHARS_MAX) return 'the sentence is too long'
  const untrusted = actions.some(({ action }) => (action.untrusted_sources ?? []).length > 0)
  if (untrusted || untrustedSources(task, []).length > 0) return 'text from elsewhere was part of the task'
  if (!isBare(task)) return 'more than its words decided what the task means'
  if (redact(description) !== description || redactValue(actions) !== actions) return 'the task has a secret in it'
  const plain = words.split(' ')
  if (plain.some((word) => /[(){}|?]/.test(word) && !/^(\{[a-z]+\}|\?)$/.test(word))) {
    return 'the sentence has signs that patterns use'
  }
  if (names.length === 0 && plain.some((word) => POINTING.has(word))) return 'the sentence names nothing'
  return undefined
}

function meaningOf(
  task: AgentTask,
  solution: Solution,
  sentence: Sentence,
  names: readonly Name[],
  grounds: Grounds,
): Meaning | { reason: string } {
  if (solution.rule === undefined) return planMeaning(task, solution, names, grounds.vocabulary)
  const rule = grounds.rules.get(solution.rule)
  if (!rule) return { reason: `there is no rule ${solution.rule}` }
  const slots = slotsOf(rule, task, solution, sentence, names, grounds.vocabulary)
  if (slots) return { by: 'rule', rule: rule.id, slots }
  return { reason: `the sentence does not say what ${rule.id} needs` }
}

/** Everything but where the actions run and how the words were understood. */
const bare = ({ actions, answer, rule }: Solution): Json =>
  JSON.parse(
    JSON.stringify({
      actions: actions.map(({ action: { workspace: _, ...action }, ...planned }) => ({ ...planned, action })),
      answer,
      rule,
    }),
  ) as Json

interface Candidate {
  readonly source: SlotSource
  readonly value: SlotValue
}

const COMBINATIONS_MAX = 2_000

/** The slots with which the rule gives exactly these actions. */
function slotsOf(
  rule: CompiledRule,
  task: AgentTask,
  solution: Solution,
  sentence: Sentence,
  names: readonly Name[],
  vocabulary: Vocabulary,
): Record<string, SlotSource> | undefined {
  const wanted = bare(solution)
  const text = JSON.stringify(wanted).toLowerCase()
  let left = COMBINATIONS_MAX
  for (const { slots: certain, slotsPossible } of rule.patterns) {
    const choices = [...slotsPossible].map(([slot, type]) => {
      const found = candidatesFor(rule, slot, type, sentence, names, vocabulary).filter(({ value }) =>
        isIn(text, value),
      )
      return { slot, found: certain.has(slot) ? found : [...found, undefined] }
    })
    for (const chosen of combinations(choices)) {
      if (left-- === 0) return undefined
      const values = Object.fromEntries(Object.entries(chosen).map(([slot, { value }]) => [slot, value]))
      const given = solutionBy(rule, values, task, vocabulary)
      if (given && isDeepStrictEqual(bare(given), wanted)) {
        return Object.fromEntries(Object.entries(chosen).map(([slot, { source }]) => [slot, source]))
      }
    }
  }
  return undefined
}

/** Whether the actions can come from this value. */
const isIn = (actions: string, value: SlotValue): boolean =>
  typeof value === 'string'
    ? actions.includes(JSON.stringify(value).slice(1, -1).toLowerCase()) || /\s/.test(value)
    : Object.values(value).some((part) => actions.includes(JSON.stringify(part).slice(1, -1).toLowerCase()))

/** Names of the sentence first: a value that varies is worth more than one that is always the same. */
function candidatesFor(
  rule: CompiledRule,
  slot: string,
  type: string,
  sentence: Sentence,
  names: readonly Name[],
  vocabulary: Vocabulary,
): Candidate[] {
  const read = (at: number): SlotValue | undefined => readSlot(rule, slot, sentence, at, vocabulary)
  const named = names.flatMap(({ at }, number): Candidate[] => {
    const value = read(at)
    return value === undefined ? [] : [{ source: { name: number }, value }]
  })
  if (type === 'target' || type === 'targets') {
    const all = [...vocabulary.targets.values()].map(({ name }) => ({ source: { is: name }, value: name }))
    return [...named, ...all]
  }
  if (type === 'entity') {
    const all = [vocabulary.plurals, vocabulary.singulars].flatMap((nouns, singular) =>
      [...nouns.values()].flat().flatMap(({ words }): Candidate[] => {
        const source = { noun: words.join(' '), singular: singular === 1 }
        const value = nounOf(source, vocabulary) as EntityValue | undefined
        return value === undefined ? [] : [{ source, value }]
      }),
    )
    return [...named, ...all]
  }
  const words = sentence.tokens.flatMap((_, at): Candidate[] => {
    const value = read(at)
    const taken = names.some((name) => name.at === at)
    return taken || typeof value !== 'string' ? [] : [{ source: { is: value }, value }]
  })
  return [...named, ...words]
}

function* combinations(
  choices: readonly { slot: string; found: readonly (Candidate | undefined)[] }[],
): Generator<Record<string, Candidate>> {
  const [first, ...others] = choices
  if (!first) {
    yield {}
    return
  }
  for (const candidate of first.found) {
    for (const rest of combinations(others)) yield candidate === undefined ? rest : { [first.slot]: candidate, ...rest }
  }
}

/** The actions of a model's plan, with the names that the sentence itself has as slots. */
function planMeaning(
  task: AgentTask,
  { actions, answer }: Solution,
  names: readonly Name[],
  vocabulary: Vocabulary,
): Meaning | { reason: string } {
  if (
    task.description
      .toLowerCase()
      .split(/[^a-z']+/)
      .some((word) => TIMELY.has(word))
  ) {
    return { reason: 'the plan depends on when it is made' }
  }
  if (JSON.stringify(actions).includes('{{')) return { reason: 'the plan has signs that templates use' }
  const inputs = actions.map(({ action: { input, verify = null } }) => ({ input, verify })) as unknown as Json
  const slots: Record<string, SlotSource> = {}
  const types: Record<string, string> = {}
  const slotByValue = new Map<string, string>()
  for (const [number, name] of names.entries()) {
    const { value, kind } = name
    if (typeof value !== 'string' || !isWhole(inputs, value)) continue
    if (names.some((other) => other !== name && other.value === value)) continue
    const same = Object.keys(slots).filter((slot) => slot.replace(/_\d+$/, '') === kind).length
    const slot = same === 0 ? kind : `${kind}_${same + 1}`
    slots[slot] = { name: number }
    slotByValue.set(value, slot)
    const type = kind === 'target' ? vocabulary.targets.get(value.toLowerCase())?.type : undefined
    if (type !== undefined) types[slot] = type
  }
  const generic = actions.map(({ title, action: { workspace: _, ...action }, ...planned }) => ({
    ...planned,
    title: [...slotByValue].reduce((text, [value, slot]) => text.replaceAll(value, `{{${slot}}}`), title),
    action: mapTexts(action as unknown as Json, (text) => {
      const slot = slotByValue.get(text)
      return slot === undefined ? text : `{{${slot}}}`
    }) as unknown as typeof action,
  }))
  return { by: 'plan', actions: generic, answer, slots, types }
}

/** Whether the value is a text of its own somewhere, and is part of no other: there it cannot be replaced. */
function isWhole(inputs: Json, value: string): boolean {
  let whole = false
  let part = false
  const check = (item: Json): void => {
    if (typeof item === 'object' && item !== null) {
      for (const one of Object.values(item)) check(one as Json)
      return
    }
    const text = String(item)
    if (item === value) whole = true
    else if (text.toLowerCase().includes(value.toLowerCase())) part = true
  }
  check(inputs)
  return whole && !part
}
