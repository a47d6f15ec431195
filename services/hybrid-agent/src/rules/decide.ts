/**
 * Decides a task by rules: the result is a list of actions, a refusal, or nothing.
 *
 * The rule with the most literal words wins; if two match equally well and differ, neither applies. A sentence that
 * forbids, doubts or asks never becomes an action that changes something.
 */
import type { AgentReply, AgentTask, PlannedAction } from '@deed/proto/agent'
import { DeedError } from '@deed/proto/errors'
import type { Json, JsonObject } from '@deed/proto/json'
import { factsOf } from '@deed/proto/kinds'
import type { Observation } from '@deed/proto/observation'
import { fill } from './fill.ts'
import { generateCode } from './generate-code.ts'
import { refusePathOutside } from './path-scope.ts'
import { matchPattern, type Pattern, type PatternMatch } from './pattern.ts'
import { patternIndex } from './pattern-index.ts'
import type { ActionTemplate, CompiledRule, RulePack } from './rule-pack.ts'
import { NO_RUNBOOKS, type Runbooks } from './runbooks.ts'
import type { SlotValue } from './slots.ts'
import { type Sentence, tokenize } from './tokenize.ts'
import { isOfType, knownTargets, targetNamed, type Vocabulary } from './vocabulary.ts'

/** Outside a pattern's own words, these invert or question the meaning. */
const NEGATIONS = new Set(
  "not no never none neither nor without cannot can't cant don't dont doesn't doesnt didn't isn't isnt aren't wasn't won't wont wouldn't shouldn't shouldnt mustn't stop avoid unless except instead rather".split(
    ' ',
  ),
)

export type Decide = (task: AgentTask) => AgentReply

interface Candidate {
  readonly rule: CompiledRule
  readonly pattern: Pattern
  /** Among all patterns: the earlier of two matches that are as good is the best. */
  readonly place: number
}

export interface Meant extends Candidate, PatternMatch {}

/** What the patterns make of a sentence: the best match, and another rule's match that is as good. */
export interface Found {
  readonly best: Meant
  readonly rival: Meant | undefined
}

export type FindRule = (sentence: Sentence, task: AgentTask) => Found | undefined

/** Deciding takes microseconds and has no side effects. */
export function decideBy(packs: readonly RulePack[], vocabulary: Vocabulary, runbooks: Runbooks = NO_RUNBOOKS): Decide {
  const find = findRuleBy(
    packs.flatMap((pack) => pack.rules),
    ({ patterns }) => patterns,
    vocabulary,
  )
  return (task) => {
    const sentence = tokenize(task.description)
    if (!sentence || sentence.tokens.length === 0) return declined('the text is empty or too long for rules')
    const written = runbooks(sentence, task)
    if (written) return { outcome: 'handled', method: 'autonomous', solution: written }
    const found = find(sentence, task)
    if (!found) return declined('no rule knows these words')
    const { best, rival } = found
    if (rival) return declined(`the rules ${best.rule.id} and ${rival.rule.id} both match these words`)
    return outcomeOf(best, task, vocabulary)
  }
}

/** @param patternsOf which sentences of a rule are matched */
export function findRuleBy(
  rules: readonly CompiledRule[],
  patternsOf: (rule: CompiledRule) => readonly Pattern[],
  vocabulary: Vocabulary,
): FindRule {
  const candidates = rules.flatMap((rule) => patternsOf(rule).map((pattern) => ({ rule, pattern })))
  const candidatesFor = patternIndex(candidates.map((candidate, place) => ({ ...candidate, place })))
  return (sentence, task) => {
    const meant: Meant[] = []
    for (const candidate of candidatesFor(sentence)) {
      const match = matchPattern(candidate.pattern, sentence, vocabulary)
      if (!match || !applies(candidate.rule, match.slots, task, vocabulary)) continue
      if (turnedRound(candidate.rule, match, sentence)) continue
      meant.push({ ...candidate, ...match })
    }
    meant.sort((a, b) => bySpecificity(a, b) || a.place - b.place)
    const [best, ...others] = meant
    if (!best) return undefined
    return { best, rival: others.find((other) => other.rule.id !== best.rule.id && bySpecificity(best, other) === 0) }
  }
}

function bySpecificity(a: Meant, b: Meant): number {
  return b.literals - a.literals || a.freeTokens.length - b.freeTokens.length
}

/** Whether the rule's conditions hold for these slots. */
export function applies(
  { when, refuse }: CompiledRule,
  slots: PatternMatch['slots'],
  task: AgentTask,
  vocabulary: Vocabulary,
): boolean {
  const has = (path: string): boolean => {
    const [slot = '', field = ''] = path.split('.')
    const value = Object.hasOwn(slots, slot) ? slots[slot] : undefined
    return typeof value === 'object' && Object.hasOwn(value, field)
  }
  if (refuse && isOfType(targetNamed(vocabulary, String(slots[refuse.unknown_target]))?.type, refuse.type)) return false
  return (
    (when.language === undefined || (task.language !== undefined && when.language.includes(task.language))) &&
    (when.target_file === undefined || when.target_file === (task.target_file !== undefined)) &&
    (when.task_type === undefined || when.task_type.includes(task.type ?? '')) &&
    (when.has ?? []).every(has) &&
    !(when.lacks ?? []).some(has)
  )
}

function turnedRound(rule: CompiledRule, { freeTokens }: PatternMatch, { asks }: Sentence): boolean {
  return rule.changes && (asks || freeTokens.some(({ word }) => NEGATIONS.has(word)))
}

/** The actions of a rule for these slots, or its refusal. */
export function outcomeOf(
  meant: Pick<Meant, 'rule' | 'pattern' | 'slots'>,
  task: AgentTask,
  vocabulary: Vocabulary,
): AgentReply {
  const { rule, slots } = meant
  try {
    if (rule.refuse) throw unknownTarget(String(slots[rule.refuse.unknown_target]), rule.refuse.type, vocabulary)
    if (rule.generate) return codeOf(rule.generate, meant, task, vocabulary)
    const templates = (rule.actions ?? []).map((template) => ({
      template,
      each: valuesFor(template, slots, vocabulary),
    }))
    const count = templates.reduce((sum, { each }) => sum + each.length, 0)
    if (count === 0) return declined('execution.yaml has no target or entity of this type')
    if (count > ACTIONS_MAX) return declined(`the rule gives ${count} actions; at most ${ACTIONS_MAX} are allowed`)
    const actions = namedApart(
      templates.flatMap(({ template, each }) => actionsFrom(template, each, meant, task, vocabulary)),
    )
    const answer = rule.answer && (fill(rule.answer, slots, meant.pattern.slotsPossible) as typeof rule.answer)
    return {
      outcome: 'handled',
      method: 'autonomous',
      solution: { actions, answer: answer ?? { kind: 'actions' }, rule: rule.id, confidence: 1 },
    }
  } catch (error) {
    if (error instanceof DeedError) return { outcome: 'refused', error: error.body }
    throw error
  }
}

/** The limit of a solution. */
const ACTIONS_MAX = 100
const NAME_CHARS_MAX = 64

/** Numbers duplicate names, since an action is identified by its name within the solution. */
function namedApart(actions: readonly PlannedAction[]): PlannedAction[] {
  const taken = new Set<string>()
  return actions.map((action) => {
    let { name } = action
    for (let number = 2; taken.has(name); number++)
      name = `${action.name.slice(0, NAME_CHARS_MAX - `-${number}`.length)}-${number}`
    taken.add(name)
    return { ...action, name }
  })
}

/** What the action is repeated for; undefined stands for one action that is not repeated. */
function valuesFor(
  template: ActionTemplate,
  slots: Meant['slots'],
  vocabulary: Vocabulary,
): readonly (string | undefined)[] {
  if (template.for_each === undefined) return [undefined]
  const said = slots[template.for_each]
  if (said === undefined) return knownTargets(vocabulary, template.for_each, '').names
  return Array.isArray(said) ? said : [String(said)]
}

function actionsFrom(
  template: ActionTemplate,
  values: readonly (string | undefined)[],
  meant: Pick<Meant, 'pattern' | 'slots'>,
  task: AgentTask,
  vocabulary: Vocabulary,
): PlannedAction[] {
  return values.map((each) =>
    each === undefined
      ? actionFrom(template, meant.slots, undefined, meant, task, vocabulary)
      : actionFrom(template, { ...meant.slots, each }, values.length > 1 ? each : undefined, meant, task, vocabulary),
  )
}

function actionFrom(
  template: ActionTemplate,
  slots: Readonly<Record<string, SlotValue>>,
  each: string | undefined,
  { pattern }: Pick<Meant, 'pattern'>,
  task: AgentTask,
  { world }: Vocabulary,
): PlannedAction {
  const types = pattern.slotsPossible
  const input = fill(template.input, slots, types) as JsonObject
  const facts = factsOf(template.kind)
  if (!facts || facts.in_workspace)
    for (const path of [input.path, input.from, input.to]) if (typeof path === 'string') refusePathOutside(path, world)
  const name = template.name ?? template.kind.replaceAll(/[._]/g, '-')
  return {
    name:
      each === undefined
        ? name
        : `${name}-${each.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`.slice(0, NAME_CHARS_MAX),
    title: String(fill(template.title, slots, types)).slice(0, 512),
    action: {
      kind: template.kind,
      kind_version: 1,
      input,
      ...(!facts || facts.in_workspace ? workspaceOf(task) : {}),
      ...(template.verify === undefined
        ? {}
        : { verify: fill(template.verify as Json, slots, types) as unknown as Observation }),
      already_so: template.already_so,
      observe_only: false,
      timeout_ms: template.timeout_ms ?? ACTION_MS_MAX,
    },
    depends_on: [],
  }
}

const ACTION_MS_MAX = 60_000

/** The workspace that the request names, for actions with paths. */
export function workspaceOf({ context }: AgentTask): { workspace?: string } {
  const workspace = context?.workspace
  return typeof workspace === 'string' ? { workspace } : {}
}

function codeOf(
  generate: NonNullable<CompiledRule['generate']>,
  { rule, slots }: Pick<Meant, 'rule' | 'slots'>,
  task: AgentTask,
  { world }: Vocabulary,
): AgentReply {
  const slotText = (slot: string | undefined): string | undefined => {
    const value = slot === undefined ? undefined : slots[slot]
    return typeof value === 'string' ? value : undefined
  }
  const code = generateCode(task, {
    thing: slotText(generate.thing) ?? '',
    file: slotText(generate.file),
    language: slotText(generate.language),
  })
  if (code.outcome === 'declined') return code
  const { action, template } = code
  refusePathOutside(String(action.action.input.path), world)
  return {
    outcome: 'handled',
    method: 'autonomous',
    solution: {
      actions: [{ ...action, action: { ...action.action, ...workspaceOf(task) } }],
      answer: { kind: 'actions' },
      rule: rule.id,
      template_id: template.id,
      template_version: template.version,
      confidence: 1,
    },
  }
}

function unknownTarget(name: string, type: string, vocabulary: Vocabulary): DeedError {
  const other = targetNamed(vocabulary, name)
  const { nearest, names } = knownTargets(vocabulary, type, name)
  const known =
    names.length === 0 ? `execution.yaml names no target of type ${type}` : `known are ${names.slice(0, 10).join(', ')}`
  const what = other
    ? `${other.name} is a target of type ${other.type}, and one of type ${type} is meant`
    : `there is no target "${name}" of type ${type}`
  const hint = nearest === undefined ? '' : `; did you mean "${nearest}"?`
  return new DeedError('unknown_target', `${what}${hint} (${known})`, {
    path: '$.task',
    details: { name, known: names.slice(0, 100) },
  })
}

function declined(message: string): AgentReply {
  return { outcome: 'declined', reason: 'needs_model', message }
}
