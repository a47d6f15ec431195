/** What a learned sentence means now: its rule or its actions, with the names of the sentence at hand. */
import { type AgentReply, type AgentTask, Solution } from '@deed/proto/agent'
import type { Json } from '@deed/proto/json'
import { mayChange } from '@deed/proto/kinds'
import { applies, outcomeOf, workspaceOf } from '../rules/decide.ts'
import { refusePathOutside } from '../rules/path-scope.ts'
import type { CompiledRule } from '../rules/rule-pack.ts'
import type { SlotReader, SlotValue } from '../rules/slots.ts'
import type { Sentence } from '../rules/tokenize.ts'
import type { Vocabulary } from '../rules/vocabulary.ts'
import type { LearnedSentence, Meaning, SlotSource, TenantSentences } from '../store/learned-sentence.ts'
import { generalise, type Name } from './generalise.ts'

/** What a meaning refers to. */
export interface Grounds {
  readonly rules: ReadonlyMap<string, CompiledRule>
  readonly vocabulary: Vocabulary
}

export interface Recalled {
  readonly learned: LearnedSentence
  readonly reply: AgentReply & { outcome: 'handled' }
}

/** A sentence without courtesy and spelling errors, and whether it instructs. */
export interface Said {
  readonly sentence: Sentence
  readonly mayChange: boolean
}

export const changes = ({ actions }: Pick<Solution, 'actions'>): boolean =>
  actions.some(({ action: { kind, input } }) => mayChange(kind, input))

/** @returns undefined if the tenant has no such sentence, or what it means is not possible here */
export function recall(
  sentences: TenantSentences,
  { sentence, mayChange: instructs }: Said,
  task: AgentTask,
  grounds: Grounds,
): Recalled | undefined {
  if (sentences.size === 0) return undefined
  const general = generalise(sentence, grounds.vocabulary)
  for (const learned of general === undefined ? [] : (sentences.get(general.words) ?? [])) {
    if (learned.stage !== 'trusted' || !hasFixedNames(learned, general!.names)) continue
    const reply = replyFrom(learned.meaning, general!.names, sentence, task, grounds)
    if (reply && (instructs || !changes(reply.solution))) return { learned, reply }
  }
  return undefined
}

export const hasFixedNames = ({ fixed }: LearnedSentence, names: readonly Name[]): boolean =>
  Object.entries(fixed).every(([number, text]) => names[Number(number)]?.text === text)

export function replyFrom(
  meaning: Meaning,
  names: readonly Name[],
  sentence: Sentence,
  task: AgentTask,
  grounds: Grounds,
): Recalled['reply'] | undefined {
  const solution =
    meaning.by === 'rule'
      ? solutionOfRule(meaning, names, sentence, task, grounds)
      : solutionOfPlan(meaning, names, task, grounds)
  if (!solution) return undefined
  const reading = { text: readingOf(solution), by: 'learned' as const }
  return { outcome: 'handled', method: 'autonomous', solution: { ...solution, reading } }
}

const READING_CHARS_MAX = 512

export const readingOf = ({ actions }: Pick<Solution, 'actions'>): string =>
  actions
    .map(({ title }) => title)
    .join(', then ')
    .slice(0, READING_CHARS_MAX)

function solutionOfRule(
  { rule: id, slots: sources }: Meaning & { by: 'rule' },
  names: readonly Name[],
  sentence: Sentence,
  task: AgentTask,
  { rules, vocabulary }: Grounds,
): Solution | undefined {
  const rule = rules.get(id)
  if (!rule) return undefined
  const slots: Record<string, SlotValue> = {}
  for (const [slot, source] of Object.entries(sources)) {
    const value = slotValue(rule, slot, source, names, sentence, vocabulary)
    if (value === undefined) return undefined
    slots[slot] = value
  }
  return solutionBy(rule, slots, task, vocabulary)
}

/** @returns undefined where the rule does not apply to these slots, or refuses them */
export function solutionBy(
  rule: CompiledRule,
  slots: Readonly<Record<string, SlotValue>>,
  task: AgentTask,
  vocabulary: Vocabulary,
): Solution | undefined {
  const pattern = rule.patterns.find(
    ({ slots: certain, slotsPossible }) =>
      [...certain.keys()].every((slot) => slot in slots) && Object.keys(slots).every((slot) => slotsPossible.has(slot)),
  )
  if (!pattern || !applies(rule, slots, task, vocabulary)) return undefined
  const reply = outcomeOf({ rule, pattern, slots }, task, vocabulary)
  return reply.outcome === 'handled' ? reply.solution : undefined
}

function slotValue(
  rule: CompiledRule,
  slot: string,
  source: SlotSource,
  names: readonly Name[],
  sentence: Sentence,
  vocabulary: Vocabulary,
): SlotValue | undefined {
  if ('is' in source) {
    const isTarget = typesOf(rule, slot).includes('target')
    return isTarget ? vocabulary.targets.get(source.is.toLowerCase())?.name : source.is
  }
  if ('noun' in source) return nounOf(source, vocabulary)
  const name = names[source.name]
  return name && readSlot(rule, slot, sentence, name.at, vocabulary)
}

const typesOf = ({ patterns }: CompiledRule, slot: string): string[] =>
  patterns.flatMap(({ slotsPossible }) => slotsPossible.get(slot) ?? [])

/** What the rule's own slot makes of the sentence at this position. */
export function readSlot(
  { patterns }: CompiledRule,
  slot: string,
  sentence: Sentence,
  at: number,
  vocabulary: Vocabulary,
): SlotValue | undefined {
  const readers = patterns.flatMap(({ steps }) =>
    steps.flatMap((step): SlotReader[] => (step.does === 'slot' && step.name === slot ? [step.read] : [])),
  )
  for (const read of readers) {
    const found = read(sentence, at, vocabulary)
    if (found && !found.free) return found.value
  }
  return undefined
}

/** A noun that exactly one database uses. */
export function nounOf(
  { noun, singular }: { noun: string; singular: boolean },
  { plurals, singulars }: Vocabulary,
): SlotValue | undefined {
  const first = noun.split(/\s+/)[0] ?? ''
  const found = (singular ? singulars : plurals).get(first)?.find(({ words }) => words.join(' ') === noun)
  return found?.entities.length === 1 ? found.entities[0] : undefined
}

function solutionOfPlan(
  { actions, answer, slots, types }: Meaning & { by: 'plan' },
  names: readonly Name[],
  task: AgentTask,
  { vocabulary }: Grounds,
): Solution | undefined {
  if (!isBare(task)) return undefined
  const values: Record<string, string> = {}
  for (const [slot, source] of Object.entries(slots)) {
    const value = 'name' in source ? names[source.name]?.value : undefined
    if (typeof value !== 'string') return undefined
    if (types[slot] !== undefined && types[slot] !== vocabulary.targets.get(value.toLowerCase())?.type) return undefined
    values[slot] = value
  }
  const filled = mapTexts(actions as unknown as Json, (text) => fillSlots(text, values)) as unknown as typeof actions
  try {
    for (const { action } of filled)
      for (const key of ['path', 'from', 'to'])
        if (typeof action.input[key] === 'string') refusePathOutside(action.input[key], vocabulary.world)
  } catch {
    return undefined
  }
  const inWorkspace = filled.map((planned) => ({ ...planned, action: { ...planned.action, ...workspaceOf(task) } }))
  return Solution.safeParse({ actions: inWorkspace, answer, confidence: 1 }).data
}

/** Nothing but the words decides what a plan has to do. */
export const isBare = ({ language, target_file: file, acceptance_criteria: criteria, template, context }: AgentTask) =>
  language === undefined &&
  file === undefined &&
  (criteria ?? []).length === 0 &&
  template === undefined &&
  Object.keys(context ?? {}).every((field) => field === 'workspace')

const PLACEHOLDER = /\{\{([a-z][a-z0-9_]*)\}\}/g

const fillSlots = (text: string, values: Readonly<Record<string, string>>): string =>
  text.replace(PLACEHOLDER, (whole, slot: string) => (Object.hasOwn(values, slot) ? values[slot]! : whole))

/** The value with each of its texts changed. */
export function mapTexts(value: Json, change: (text: string) => string): Json {
  if (typeof value === 'string') return change(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item, change)]))
}
