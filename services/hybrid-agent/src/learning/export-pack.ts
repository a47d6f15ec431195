/** Learned sentences as a rule pack: each with its pattern, its actions and a test, which it passes. */
import type { Target } from '@deed/config/targets'
import type { Json, JsonObject } from '@deed/proto/json'
import { stringify } from 'yaml'
import { checkRulePack } from '../rules/check-rule-pack.ts'
import { RulePackError } from '../rules/pack-fault.ts'
import { type CompiledRule, parseRulePack } from '../rules/rule-pack.ts'
import type { SlotValue } from '../rules/slots.ts'
import { tokenize } from '../rules/tokenize.ts'
import type { EntityValue, Vocabulary } from '../rules/vocabulary.ts'
import type { LearnedSentence, Meaning } from '../store/learned-sentence.ts'
import { generalise, type Name, type NameKind } from './generalise.ts'
import { type Grounds, mapTexts, nounOf, replyFrom } from './recall.ts'

interface Exported {
  pack: string | null
  sentences: number
  left_out: { id: string; sentence: string; reason: string }[]
}

/** A rule as it is written in a pack. */
interface WrittenRule {
  name: string
  match: string[]
  actions: JsonObject[]
  when?: JsonObject
  answer?: JsonObject
  tests: JsonObject[]
}

const HEAD = '# Sentences that were learned. Move those that fit to a pack of your own, and word their rules.\n'
const PACK = { pack: 'learned', version: 1, description: 'Sentences that were learned from verified executions' }
const RULES_MAX = 200
const MATCHES_MAX = 50

class NotExported extends Error {}

export function exportPack(sentences: readonly LearnedSentence[], grounds: Grounds): Exported {
  const rules: WrittenRule[] = []
  const targets: Record<string, JsonObject> = {}
  const leftOut: Exported['left_out'] = []
  for (const learned of sentences) {
    try {
      const rule = writtenRule(learned, grounds)
      const needed = targetsFor(learned, grounds.vocabulary)
      checkAlone(rule, needed)
      const like = rules.find((other) => isLike(other, rule) && other.match.length < MATCHES_MAX)
      if (!like && rules.length === RULES_MAX) throw new NotExported(`a pack has at most ${RULES_MAX} rules`)
      if (like) {
        like.match.push(...rule.match)
        like.tests.push(...rule.tests)
      } else rules.push(rule)
      Object.assign(targets, needed)
    } catch (error) {
      if (!(error instanceof NotExported)) throw error
      leftOut.push({ id: learned.id, sentence: learned.sentence, reason: error.message })
    }
  }
  const pack = rules.length === 0 ? null : packText(rules, targets)
  return { pack, sentences: sentences.length - leftOut.length, left_out: leftOut }
}

const packText = (rules: readonly WrittenRule[], targets: Readonly<Record<string, JsonObject>>): string =>
  HEAD + stringify({ ...PACK, world: { targets }, rules }, { lineWidth: 0, aliasDuplicateObjects: false })

const isLike = (one: WrittenRule, other: WrittenRule): boolean =>
  JSON.stringify([one.actions, one.when, one.answer]) === JSON.stringify([other.actions, other.when, other.answer])

function checkAlone(rule: WrittenRule, targets: Readonly<Record<string, JsonObject>>): void {
  try {
    const [fault] = checkRulePack(parseRulePack(packText([rule], targets), 'learned.yaml'))
    if (fault) throw new NotExported(fault.reason)
  } catch (error) {
    if (error instanceof RulePackError) throw new NotExported(error.faults[0]?.reason ?? error.message)
    throw error
  }
}

function writtenRule(learned: LearnedSentence, grounds: Grounds): WrittenRule {
  const { meaning, said, id } = learned
  const sentence = tokenize(said)
  const general = sentence && generalise(sentence, grounds.vocabulary)
  const reply = general && sentence && replyFrom(meaning, general.names, sentence, { description: said }, grounds)
  if (!sentence || !general || !reply) throw new NotExported('it is not active: its rule or a name in it is gone')
  const { slots, constants } = slotsIn(meaning, general.names, grounds)
  const match = general.parts.map((part) => {
    if (typeof part === 'string') return part
    const slot = slots.get(general.names.indexOf(part))
    return slot ?? literal(part)
  })
  const tests = [
    {
      say: said,
      actions: reply.solution.actions.map(({ action: { kind, input } }) => ({ kind, input })),
    },
  ]
  return {
    name: `${nameFrom(learned.sentence)}-${id.slice(0, 4)}`,
    match: [match.join(' ')],
    ...outcomeOf(meaning, constants, grounds),
    tests,
  }
}

function literal({ kind, text }: Name): string {
  const word = text.toLowerCase()
  if (kind === 'quoted' || /[(){}|?]/.test(word))
    throw new NotExported(`a pattern cannot contain ${JSON.stringify(text)}`)
  return word
}

const nameFrom = (sentence: string): string => {
  const name = sentence
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[-0-9]+|-+$/g, '')
  return name.slice(0, 40).replace(/-$/, '') || 'sentence'
}

const SLOT_TYPES: Readonly<Partial<Record<NameKind, string>>> = { file: 'file', url: 'url', quoted: 'quoted' }

/** Written slots by the number of their name, and the values that do not vary in the pack. */
function slotsIn(
  meaning: Meaning,
  names: readonly Name[],
  { rules, vocabulary }: Grounds,
): { slots: Map<number, string>; constants: Map<string, SlotValue> } {
  const slots = new Map<number, string>()
  const constants = new Map<string, SlotValue>()
  for (const [slot, source] of Object.entries(meaning.slots)) {
    if ('is' in source) constants.set(slot, source.is)
    else if ('noun' in source) constants.set(slot, nounOf(source, vocabulary) ?? '')
    else {
      const { kind, value } = names[source.name]!
      // Any word fits a slot for a name, so a pattern with one would say more than was learned.
      if (kind === 'name') constants.set(slot, value)
      else if (meaning.by === 'plan') {
        const type = SLOT_TYPES[kind] ?? `target(${meaning.types[slot]})`
        slots.set(source.name, `{${slot}:${type}}`)
      } else slots.set(source.name, declaration(rules.get(meaning.rule), slot))
    }
  }
  return { slots, constants }
}

/** The slot as a pattern of the rule writes it. */
function declaration(rule: CompiledRule | undefined, slot: string): string {
  const written = new RegExp(`\\{\\s*${slot}\\s*:[^{}]*\\}`)
  const found = rule?.patterns.flatMap(({ source }) => written.exec(source) ?? [])[0]
  if (found === undefined) throw new NotExported(`its rule has no slot ${slot}`)
  return found
}

function outcomeOf(
  meaning: Meaning,
  constants: ReadonlyMap<string, SlotValue>,
  { rules }: Grounds,
): Pick<WrittenRule, 'actions' | 'when' | 'answer'> {
  if (meaning.by === 'plan') {
    const actions = meaning.actions.map(({ name, title, action, depends_on: after }) => {
      const { kind, input, verify, already_so, timeout_ms, kind_version: _, observe_only: only, ...more } = action
      if (after.length > 0) throw new NotExported('its actions have an order, which a rule cannot say')
      if (only || Object.keys(more).length > 0) throw new NotExported('a rule cannot say all of its actions')
      return { name, title, kind, input, ...(verify ? { verify } : {}), already_so, timeout_ms }
    })
    return { actions: withConstants(actions, constants) as JsonObject[], answer: meaning.answer as JsonObject }
  }
  const { actions, when, answer } = rules.get(meaning.rule) ?? {}
  if (!actions) throw new NotExported('its rule is more than actions')
  const isConstant = (field: string): boolean => constants.has(field.split('.')[0] ?? '')
  const needed = {
    ...when,
    has: when?.has?.filter((field) => !isConstant(field)),
    lacks: when?.lacks?.filter((field) => !isConstant(field)),
  }
  return JSON.parse(
    JSON.stringify({
      actions: actions.map(({ for_each: slot, ...action }) => {
        const value = slot === undefined ? undefined : constants.get(slot)
        if (value === undefined) return withConstants({ ...action, for_each: slot }, constants)
        return withConstants(action, new Map([...constants, ['each', value]]))
      }),
      when: needed,
      answer: answer && withConstants(answer, constants),
    }),
  ) as Pick<WrittenRule, 'actions' | 'when' | 'answer'>
}

/** The templates with the values that do not vary in place of their slots. */
const withConstants = (templates: unknown, constants: ReadonlyMap<string, SlotValue>): Json =>
  mapTexts(JSON.parse(JSON.stringify(templates)) as Json, (text) =>
    text.replaceAll(
      /\{\{\s*([a-z][a-z0-9_]*)(?:\.([a-z][a-z0-9_]*))?\s*\}\}/g,
      (whole, slot: string, field?: string) => {
        const value = constants.get(slot)
        if (value === undefined) return whole
        return typeof value === 'string' ? value : ((value as EntityValue)[field ?? 'noun'] ?? '')
      },
    ),
  )

/** What the test of the sentence assumes: the targets that it or its actions name, with nothing of their settings. */
function targetsFor({ said, meaning }: LearnedSentence, { world }: Vocabulary): Record<string, JsonObject> {
  const text = `${said} ${JSON.stringify(meaning)}`.toLowerCase()
  return Object.fromEntries(
    Object.entries(world.targets).flatMap(([name, target]) => {
      const nouns = target.type === 'sql' ? Object.entries(target.entities) : []
      const named = [name, ...nouns.flatMap(([noun, { singular }]) => [noun, singular ?? noun])]
      return named.some((word) => text.includes(word.toLowerCase())) ? [[name, plainTarget(target)]] : []
    }),
  )
}

function plainTarget(target: Target): JsonObject {
  const { type } = target
  switch (type) {
    case 'process':
    case 'mcp':
      return { type, command: ['true'] }
    case 'systemd':
      return { type, unit: 'example.service' }
    case 'docker':
      return { type, container: 'example' }
    case 'kubernetes':
      return { type, deployment: 'example' }
    case 'http':
      return { type, url: 'http://127.0.0.1' }
    case 'nats':
      return { type, url_env: 'EXAMPLE_URL' }
    case 'sql':
      return { type, url_env: 'EXAMPLE_URL', entities: target.entities as unknown as JsonObject }
  }
}
