/**
 * A rule pack: sentences and the actions that they mean. Packs are YAML; users add their own.
 *
 * A pack is validated completely when it is read; errors name file, rule and field.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { IN_SENTENCES } from '@deed/config/fault-sentence'
import { didYouMean, nearest } from '@deed/config/nearest'
import { Target } from '@deed/config/targets'
import { ActionKind } from '@deed/proto/action'
import { AgentTask, AnswerFormat } from '@deed/proto/agent'
import { ErrorCode } from '@deed/proto/errors'
import { type Json, JsonObject } from '@deed/proto/json'
import { mayChange } from '@deed/proto/kinds'
import { Language } from '@deed/proto/template'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import { placeholdersOf } from './fill.ts'
import { compilePattern, type Pattern, PatternError } from './pattern.ts'
import { LIST_TYPES } from './slots.ts'
import { isTargetType, TARGET_TYPES, type World } from './vocabulary.ts'

const Name = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/)
const SlotName = z.string().regex(/^[a-z][a-z0-9_]*$/)
/** `slot.field` */
const Field = z.string().regex(/^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$/)
const FILE_BYTES_MAX = 1024 * 1024
/** `{name:type}` or `{name:type(argument)}` in a pattern. */
const SLOT = /\{\s*([a-z][a-z0-9_]*)\s*:[^{}]*\}/g

const ActionTemplate = z.strictObject({
  /** The name of the action within the solution; by default its kind. */
  name: Name.optional(),
  title: z.string().min(1).max(256),
  kind: ActionKind,
  input: JsonObject,
  verify: JsonObject.optional(),
  already_so: z.enum(['skip', 'run']).default('skip'),
  timeout_ms: z.int().min(1).max(86_400_000).optional(),
  /** Repeats the action for each value of a slot that holds several, or for each target of a type, as `{{each}}`. */
  for_each: z.string().optional(),
})
export type ActionTemplate = z.output<typeof ActionTemplate>

const RuleTest = z.strictObject({
  say: z.string().min(1),
  /** The task's fields besides its words. */
  with: AgentTask.omit({ description: true }).partial().optional(),
  /** The expected actions, in order; each entry lists a subset of the action's fields. */
  actions: z.array(JsonObject).optional(),
  refuses: ErrorCode.optional(),
  declines: z.enum(['needs_model', 'needs_template', 'no_instruction']).optional(),
})
export type RuleTest = z.output<typeof RuleTest>

const Rule = z.strictObject({
  name: Name,
  match: z.union([z.string(), z.array(z.string()).min(1).max(50)]).transform((match) => [match].flat()),
  /** Sentences in other words, with slots as in `match`: "get {service} running again". */
  paraphrases: z.array(z.string().min(1).max(300)).max(300).default([]),
  when: z
    .strictObject({
      language: z.array(Language).min(1).optional(),
      target_file: z.boolean().optional(),
      task_type: z.array(z.string()).min(1).optional(),
      /** Entity fields that `execution.yaml` must have, or must not have. */
      has: z.array(Field).optional(),
      lacks: z.array(Field).optional(),
    })
    .prefault({}),
  actions: z.array(ActionTemplate).min(1).max(20).optional(),
  /** Generates code from the task's template; names the slots for the thing, the file and the language. */
  generate: z.strictObject({ thing: SlotName, file: SlotName.optional(), language: SlotName.optional() }).optional(),
  /** Refuses the task: the slot holds the name of a target that does not exist. */
  refuse: z.strictObject({ unknown_target: SlotName, type: z.enum(TARGET_TYPES) }).optional(),
  answer: AnswerFormat.optional(),
  tests: z.array(RuleTest).min(1),
})

const Pack = z.strictObject({
  pack: Name,
  version: z.int().min(1),
  description: z.string().min(1).max(1_000),
  rules: z.array(Rule).min(1).max(200),
  /** The configuration for the pack's own tests. */
  world: z
    .strictObject({
      targets: z.record(z.string(), Target).default({}),
      workspaces: z.record(z.string(), z.strictObject({ root: z.string() })).default({}),
    })
    .prefault({}),
})

export type RuleWhen = z.output<typeof Rule>['when']

export interface CompiledRule {
  /** `pack/rule` */
  readonly id: string
  readonly patterns: readonly Pattern[]
  /** Sentences in other words; each fills every slot that all patterns fill. */
  readonly paraphrases: readonly Pattern[]
  readonly when: RuleWhen
  readonly actions: readonly ActionTemplate[] | undefined
  readonly generate: z.output<typeof Rule>['generate']
  readonly refuse: z.output<typeof Rule>['refuse']
  readonly answer: AnswerFormat | undefined
  /** Whether any action of the rule may change something. */
  readonly changes: boolean
  readonly tests: readonly RuleTest[]
}

export interface RulePack {
  readonly name: string
  readonly version: number
  readonly file: string
  readonly rules: readonly CompiledRule[]
  readonly world: World
}

export class RulePackError extends Error {
  override readonly name = 'RulePackError'
}

/**
 * Reads every `.yaml` file of the folders, in order of their names.
 *
 * @throws {RulePackError} that names file, rule and field; also for two packs with the same name
 */
export function readRulePacks(folders: readonly string[]): RulePack[] {
  const packs: RulePack[] = []
  for (const folder of folders) {
    for (const name of namesIn(folder)) {
      const path = join(folder, name)
      const text = readFileSync(path, 'utf8')
      if (text.length > FILE_BYTES_MAX) throw new RulePackError(`${path}: is larger than ${FILE_BYTES_MAX} bytes`)
      const pack = parseRulePack(text, path)
      const other = packs.find((known) => known.name === pack.name)
      if (other) throw new RulePackError(`${path}: ${other.file} already defines the pack "${pack.name}"; rename one`)
      packs.push(pack)
    }
  }
  return packs
}

/** Like `readRulePacks`, from the text of one file. */
export function parseRulePack(text: string, file: string): RulePack {
  const document = parseDocument(text, { version: '1.2', schema: 'core', uniqueKeys: true, merge: false })
  const fault = document.errors[0] ?? document.warnings[0]
  if (fault) throw new RulePackError(`${file}: ${fault.message}`)
  const raw: unknown = document.toJS({ maxAliasCount: 50 })
  const { data, error } = Pack.safeParse(raw, IN_SENTENCES)
  if (error) throw new RulePackError(error.issues.map((issue) => `${file}: ${placeOf(raw, issue)}`).join('\n'))
  const names = new Set<string>()
  const rules = data.rules.map((rule): CompiledRule => {
    const where = `${file}: rule "${rule.name}"`
    if (names.has(rule.name)) throw new RulePackError(`${where}: occurs twice; rename one`)
    names.add(rule.name)
    const patterns = rule.match.map((source, index) => compiled(source, `${where}: match[${index}] "${source}"`))
    checkOutcome(rule, patterns, where)
    return {
      id: `${data.pack}/${rule.name}`,
      patterns,
      paraphrases: rule.paraphrases.map((text, index) =>
        paraphrase(text, patterns, `${where}: paraphrases[${index}] "${text}"`),
      ),
      when: rule.when,
      actions: rule.actions,
      generate: rule.generate,
      refuse: rule.refuse,
      answer: rule.answer,
      changes:
        rule.generate !== undefined || (rule.actions?.some(({ kind, input }) => mayChange(kind, input)) ?? false),
      tests: rule.tests,
    }
  })
  return { name: data.pack, version: data.version, file: basename(file), rules, world: data.world }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /\.ya?ml$/.test(name))
      .sort()
  } catch (cause) {
    throw new RulePackError(`the folder of rules ${folder} cannot be read`, { cause })
  }
}

function placeOf(raw: unknown, { path, message }: z.core.$ZodIssue): string {
  const [top, index, ...rest] = path
  if (top !== 'rules' || typeof index !== 'number') return `${path.join('.') || 'the pack'}: ${message}`
  const rule = (raw as { rules?: { name?: unknown }[] }).rules?.[index]
  const name = typeof rule?.name === 'string' ? `"${rule.name}"` : index
  return `rule ${name}: ${rest.join('.') || 'the rule'}: ${message}`
}

function compiled(source: string, where: string): Pattern {
  try {
    return compilePattern(source)
  } catch (cause) {
    if (cause instanceof PatternError) throw new RulePackError(`${where}: ${cause.message}`, { cause })
    throw cause
  }
}

/** A paraphrase names slots of the rule's patterns, and takes their types from there. */
function paraphrase(text: string, patterns: readonly Pattern[], where: string): Pattern {
  if (/[()|?]/.test(text))
    throw new RulePackError(`${where}: a paraphrase is a sentence; write alternatives and optional parts as sentences`)
  const written = new Map(
    patterns.flatMap(({ source }) => [...source.matchAll(SLOT)].map(([slot, name = '']) => [name, slot])),
  )
  const source = text.replaceAll(/\{\s*([^{}]*?)\s*\}/g, (_, name: string) => {
    const slot = written.get(name)
    if (slot !== undefined) return slot
    const known = [...written.keys()]
    throw new RulePackError(`${where}: match has no slot "${name}"${didYouMean(nearest(name, known), known)}`)
  })
  const pattern = compiled(source, where)
  const missing = [...(patterns[0]?.slots.keys() ?? [])].find(
    (name) => patterns.every(({ slots }) => slots.has(name)) && !pattern.slots.has(name),
  )
  if (missing !== undefined) throw new RulePackError(`${where}: the slot {${missing}} is missing`)
  return pattern
}

/** Checks that the rule has exactly one outcome, and that it uses only slots that every pattern fills. */
function checkOutcome(rule: z.output<typeof Rule>, patterns: readonly Pattern[], where: string): void {
  const outcomes = [rule.actions, rule.generate, rule.refuse].filter((outcome) => outcome !== undefined)
  if (outcomes.length !== 1) throw new RulePackError(`${where}: needs exactly one of actions, generate and refuse`)
  const certain = (slot: string): string | undefined =>
    patterns.every((pattern) => pattern.slots.has(slot)) ? patterns[0]?.slots.get(slot) : undefined
  const need = (slot: string, field: string): string => {
    const type = certain(slot)
    if (type !== undefined) return type
    const guess = nearest(
      slot,
      patterns.flatMap((pattern) => [...pattern.slots.keys()]),
    )
    const hint = guess === undefined || guess === slot ? '' : `; did you mean "${guess}"?`
    throw new RulePackError(`${where}: ${field} uses the slot "${slot}", which not every pattern fills${hint}`)
  }
  if (rule.generate) need(rule.generate.thing, 'generate.thing')
  if (rule.refuse) need(rule.refuse.unknown_target, 'refuse.unknown_target')
  for (const field of [...(rule.when.has ?? []), ...(rule.when.lacks ?? [])]) need(field.split('.')[0] ?? '', 'when')
  for (const [index, { for_each: slot }] of (rule.actions ?? []).entries()) {
    const field = `actions.${index}.for_each`
    if (slot === undefined || (isTargetType(slot) && !patterns.some(({ slotsPossible }) => slotsPossible.has(slot))))
      continue
    if (!LIST_TYPES.has(need(slot, field)))
      throw new RulePackError(
        `${where}: ${field}: the slot "${slot}" holds one value; write {${slot}:targets} or {${slot}:paths}, or a target type`,
      )
  }
  const templates: Json[] = [
    JSON.parse(JSON.stringify(rule.actions ?? [])),
    JSON.parse(JSON.stringify(rule.answer ?? {})),
  ]
  for (const { slot, field, alone, at } of templates.flatMap((template) => placeholdersOf(template))) {
    if (slot === 'each' && rule.actions?.[Number(at[0])]?.for_each !== undefined) continue
    const place = `actions.${at.join('.')}`
    const type = need(slot, place)
    if (field !== undefined && type !== 'entity' && type !== 'rows')
      throw new RulePackError(`${where}: ${place}: only an entity has fields`)
    const statement = at[1] === 'input' && at.at(-1) === 'query'
    if (statement && !alone && type !== 'entity') {
      throw new RulePackError(
        `${where}: ${place}: a statement takes words of the sentence as params, not as text; use $1 and params`,
      )
    }
  }
}
