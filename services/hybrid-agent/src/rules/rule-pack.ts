/**
 * A rule pack: sentences and the actions that they mean. Packs are YAML; users add their own.
 *
 * A pack is validated completely when it is read; errors name file, line, rule and field.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { IN_SENTENCES } from '@deed/config/fault-sentence'
import { didYouMean, nearest } from '@deed/config/nearest'
import { Target } from '@deed/config/targets'
import { ActionKind } from '@deed/proto/action'
import { AgentTask, AnswerFormat } from '@deed/proto/agent'
import { ErrorCode } from '@deed/proto/errors'
import { type Json, JsonObject } from '@deed/proto/json'
import { mayChange } from '@deed/proto/kinds'
import type { PackFault } from '@deed/proto/rules'
import { Language } from '@deed/proto/template'
import { z } from 'zod'
import { placeholdersOf } from './fill.ts'
import { type PackText, RulePackError, readPackText } from './pack-fault.ts'
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
export interface RuleTest extends z.output<typeof RuleTest> {
  readonly line: number
}

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
  /** A sentence that is only like those of the rule means it where it has one of these words. */
  says: z.array(z.string().min(1).max(40)).min(1).max(50).optional(),
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
  /** In lower case; undefined where any words may do. */
  readonly says: ReadonlySet<string> | undefined
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
  readonly description: string
  readonly file: string
  readonly rules: readonly CompiledRule[]
  readonly world: World
}

/** The text of a pack, and the path of its file. */
export interface PackFile {
  readonly file: string
  readonly text: string
}

/** The packs of the folders, each in order of the files' names. @throws {RulePackError} as `parseRulePacks` */
export const readRulePacks = (folders: readonly string[]): RulePack[] => parseRulePacks(folders.flatMap(packFiles))

/** @throws {RulePackError} with every fault of every file; also for two packs with the same name */
export function parseRulePacks(files: readonly PackFile[]): RulePack[] {
  const packs: RulePack[] = []
  const faults: PackFault[] = []
  for (const { file, text } of files) {
    try {
      const pack = parseRulePack(text, file)
      const other = packs.find(({ name }) => name === pack.name)
      if (other) {
        const reason = `${other.file} already defines the pack "${pack.name}"; rename one`
        throw new RulePackError([{ file, line: 1, reason }])
      }
      packs.push(pack)
    } catch (error) {
      if (!(error instanceof RulePackError)) throw error
      faults.push(...error.faults)
    }
  }
  if (faults.length > 0) throw new RulePackError(faults)
  return packs
}

/** Like `parseRulePacks`, for one file. */
export function parseRulePack(text: string, file: string): RulePack {
  if (text.length > FILE_BYTES_MAX) {
    throw new RulePackError([{ file, line: 1, reason: `is larger than ${FILE_BYTES_MAX} bytes` }])
  }
  const source = readPackText(text, file)
  const { data, error } = Pack.safeParse(source.raw, IN_SENTENCES)
  if (error) {
    throw new RulePackError(error.issues.map((issue) => ({ file, ...placeOf(source, issue) })))
  }
  const names = new Set<string>()
  const faults: PackFault[] = []
  const rules = data.rules.flatMap((rule, index): CompiledRule[] => {
    const at = ['rules', index]
    const refuse: Refuse = (reason, path = []) => {
      throw new RulePackError([
        { file, line: source.lineOf([...at, ...path]), reason: `rule "${rule.name}": ${reason}` },
      ])
    }
    try {
      if (names.has(rule.name)) refuse('occurs twice; rename one')
      names.add(rule.name)
      return [compiledRule(data.pack, rule, refuse, (test) => source.lineOf([...at, 'tests', test]))]
    } catch (problem) {
      if (!(problem instanceof RulePackError)) throw problem
      faults.push(...problem.faults)
      return []
    }
  })
  if (faults.length > 0) throw new RulePackError(faults)
  const { pack: name, version, description, world } = data
  return { name, version, description, file, rules, world }
}

/** @param path of the field within the rule, for the line */
type Refuse = (reason: string, path?: readonly PropertyKey[]) => never

function compiledRule(
  pack: string,
  rule: z.output<typeof Rule>,
  refuse: Refuse,
  lineOfTest: (index: number) => number,
): CompiledRule {
  const patterns = rule.match.map((source, index) =>
    compiled(source, (reason) => refuse(`match[${index}] "${source}": ${reason}`, ['match', index])),
  )
  checkOutcome(rule, patterns, refuse)
  return {
    id: `${pack}/${rule.name}`,
    patterns,
    paraphrases: rule.paraphrases.map((text, index) => paraphrase(text, index, patterns, refuse)),
    when: rule.when,
    says: rule.says && new Set(rule.says.map((word) => word.toLowerCase())),
    actions: rule.actions,
    generate: rule.generate,
    refuse: rule.refuse,
    answer: rule.answer,
    changes: rule.generate !== undefined || (rule.actions?.some(({ kind, input }) => mayChange(kind, input)) ?? false),
    tests: rule.tests.map((test, index) => ({ ...test, line: lineOfTest(index) })),
  }
}

/** The `.yaml` files of a folder, in order of their names. @throws {RulePackError} if it cannot be read */
export function packFiles(folder: string): PackFile[] {
  return namesIn(folder).map((name) => {
    const file = join(folder, name)
    return { file, text: readFileSync(file, 'utf8') }
  })
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /\.ya?ml$/.test(name))
      .sort()
  } catch (cause) {
    throw new RulePackError([{ file: folder, line: 1, reason: 'the folder of rules cannot be read' }], { cause })
  }
}

function placeOf({ raw, lineOf }: PackText, issue: z.core.$ZodIssue): { line: number; reason: string } {
  const { path, message } = issue
  const line = lineOf(path, issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined)
  const [top, index, ...rest] = path
  if (top !== 'rules' || typeof index !== 'number') {
    return { line, reason: `${path.join('.') || 'the pack'}: ${message}` }
  }
  const rule = (raw as { rules?: { name?: unknown }[] }).rules?.[index]
  const name = typeof rule?.name === 'string' ? `"${rule.name}"` : index
  return { line, reason: `rule ${name}: ${rest.join('.') || 'the rule'}: ${message}` }
}

function compiled(source: string, fail: (reason: string) => never): Pattern {
  try {
    return compilePattern(source)
  } catch (cause) {
    if (cause instanceof PatternError) fail(cause.message)
    throw cause
  }
}

/** A paraphrase names slots of the rule's patterns, and takes their types from there; it says which, where they have several. */
function paraphrase(text: string, index: number, patterns: readonly Pattern[], refuse: Refuse): Pattern {
  const fail = (reason: string): never => refuse(`paraphrases[${index}] "${text}": ${reason}`, ['paraphrases', index])
  if (/[()|?]/.test(text.replaceAll(/\{[^{}]*\}/g, '')))
    fail('a paraphrase is a sentence; write alternatives and optional parts as sentences')
  const written = new Map<string, Set<string>>()
  for (const { source } of patterns)
    for (const [slot, name = ''] of source.matchAll(SLOT)) {
      const plain = slot.replaceAll(/\s/g, '')
      if (!written.get(name)?.add(plain)) written.set(name, new Set([plain]))
    }
  const source = text.replaceAll(/\{\s*([^{}:]*?)\s*(:[^{}]*)?\}/g, (whole, name: string, type?: string) => {
    const known = [...written.keys()]
    const slots = [
      ...(written.get(name) ?? fail(`match has no slot "${name}"${didYouMean(nearest(name, known), known)}`)),
    ]
    const slot = type === undefined && slots.length === 1 ? slots[0] : whole.replaceAll(/\s/g, '')
    if (slots.includes(slot!)) return slot!
    return fail(`match writes the slot as ${slots.join(' and as ')}; write one of them here too`)
  })
  const pattern = compiled(source, fail)
  const missing = [...(patterns[0]?.slots.keys() ?? [])].find(
    (name) => patterns.every(({ slots }) => slots.has(name)) && !pattern.slots.has(name),
  )
  if (missing !== undefined) fail(`the slot {${missing}} is missing`)
  return pattern
}

/** Checks that the rule has exactly one outcome, and that it uses only slots that every pattern fills. */
function checkOutcome(rule: z.output<typeof Rule>, patterns: readonly Pattern[], refuse: Refuse): void {
  const outcomes = [rule.actions, rule.generate, rule.refuse].filter((outcome) => outcome !== undefined)
  if (outcomes.length !== 1) refuse('needs exactly one of actions, generate and refuse')
  const certain = (slot: string): string | undefined =>
    patterns.every((pattern) => pattern.slots.has(slot)) ? patterns[0]?.slots.get(slot) : undefined
  const need = (slot: string, field: string, path: readonly PropertyKey[]): string => {
    const type = certain(slot)
    if (type !== undefined) return type
    const guess = nearest(
      slot,
      patterns.flatMap((pattern) => [...pattern.slots.keys()]),
    )
    const hint = guess === undefined || guess === slot ? '' : `; did you mean "${guess}"?`
    return refuse(`${field} uses the slot "${slot}", which not every pattern fills${hint}`, path)
  }
  if (rule.generate) need(rule.generate.thing, 'generate.thing', ['generate', 'thing'])
  if (rule.refuse) need(rule.refuse.unknown_target, 'refuse.unknown_target', ['refuse'])
  for (const field of [...(rule.when.has ?? []), ...(rule.when.lacks ?? [])])
    need(field.split('.')[0] ?? '', 'when', ['when'])
  for (const [index, { for_each: slot }] of (rule.actions ?? []).entries()) {
    const path = ['actions', index, 'for_each']
    if (slot === undefined || (isTargetType(slot) && !patterns.some(({ slotsPossible }) => slotsPossible.has(slot))))
      continue
    if (!LIST_TYPES.has(need(slot, path.join('.'), path)))
      refuse(
        `${path.join('.')}: the slot "${slot}" holds one value; write {${slot}:targets} or {${slot}:paths}, or a target type`,
        path,
      )
  }
  const used = [
    ...placeholdersOf(JSON.parse(JSON.stringify(rule.actions ?? [])) as Json, ['actions']),
    ...placeholdersOf(JSON.parse(JSON.stringify(rule.answer ?? {})) as Json, ['answer']),
  ]
  for (const { slot, field, alone, at } of used) {
    const [, index, part] = at
    if (slot === 'each' && at[0] === 'actions' && rule.actions?.[Number(index)]?.for_each !== undefined) continue
    const place = at.join('.')
    const type = need(slot, place, at)
    if (field !== undefined && type !== 'entity' && type !== 'rows') refuse(`${place}: only an entity has fields`, at)
    const statement = part === 'input' && at.at(-1) === 'query'
    if (statement && !alone && type !== 'entity') {
      refuse(`${place}: a statement takes words of the sentence as params, not as text; use $1 and params`, at)
    }
  }
}
