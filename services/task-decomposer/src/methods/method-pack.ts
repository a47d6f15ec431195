/**
 * Packs of methods: how work is divided, as data. An operator is work that Deed does in one step; a method divides work
 * into steps, each of which an operator or another method knows. Users add packs of their own.
 *
 * A pack is validated completely when it is read; errors name the file, the entry and what to change.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ActionKind } from '@deed/proto/action'
import { checkGraph } from '@deed/proto/check-graph'
import { factsOf } from '@deed/proto/kinds'
import { Phase } from '@deed/proto/task'
import { Language } from '@deed/proto/template'
import { parse } from 'yaml'
import { z } from 'zod'
import { faultOfWords } from './fill-words.ts'
import { compileSentence, type SentencePattern } from './sentence.ts'

const Name = z.string().regex(/^[a-z][a-z0-9-]{0,40}$/)
/** Words with placeholders for slots: `create a table for {{name}}`. */
const Words = z.string().min(1).max(2_000)
/** `running {{service}}`; a need may end in `*`, which stands for any rest. */
const Fact = z.string().regex(/^[a-z]+ \S.{0,200}$/)
const Sentences = z.array(z.string().min(1).max(400)).min(1).max(50)
/** Words for slots that a sentence leaves out. */
const Defaults = z.partialRecord(z.enum(['name', 'language']), z.string().min(1).max(64)).default({})

const OperatorEntry = z.strictObject({
  name: Name,
  match: Sentences,
  defaults: Defaults,
  /** The kinds of action that it becomes. */
  kinds: z.array(ActionKind).min(1).max(20),
  /** The file that it makes in each language, if the words name none. */
  files: z.partialRecord(Language, Words).optional(),
  /** What is asked for as a part of a plan; absent: the words themselves. May use `{{file}}` of `files`. */
  do: Words.optional(),
  needs: z.array(Fact).max(20).default([]),
  makes: z.array(Fact).max(20).default([]),
})

const Step = z.strictObject({
  id: Name,
  do: Words,
  /** The steps that it waits for; absent: the one before it; empty: none. */
  after: z.array(Name).max(20).optional(),
})

const MethodEntry = z.strictObject({
  name: Name,
  match: Sentences,
  defaults: Defaults,
  /** Only for work in these languages. */
  languages: z.array(Language).min(1).optional(),
  steps: z.array(Step).min(1).max(20),
})

const PhaseStep = z.strictObject({
  id: Name,
  title: Words.max(200),
  do: Words,
  /** Once for each part of the work, as `{{part}}`. */
  each_part: z.boolean().default(false),
  /** What it leaves, in forms that can be observed. */
  leaves: z.array(Words).min(1).max(10),
  /** Estimates for one of them. */
  minutes: z.number().min(0).max(600),
  usd: z.number().min(0).max(100),
})

const PhasesEntry = z.strictObject({
  phases: z
    .array(z.strictObject({ phase: Phase, title: Words.max(200), steps: z.array(PhaseStep).min(1).max(10) }))
    .min(1),
})
export type PhasePlan = z.output<typeof PhasesEntry>['phases']

const Pack = z.strictObject({
  pack: Name,
  version: z.int().min(1),
  description: z.string().min(1).max(300),
  operators: z.array(OperatorEntry).max(200).default([]),
  methods: z.array(MethodEntry).max(200).default([]),
  /** How work is planned that is too large for one step; only the built-in pack has it. */
  large: PhasesEntry.optional(),
})

export type Operator = Compiled<z.output<typeof OperatorEntry>> & { readonly type: 'operator' }
export type Method = Compiled<z.output<typeof MethodEntry>> & { readonly type: 'method' }
/** `pack/name` */
type Compiled<Entry> = Omit<Entry, 'match' | 'name'> & {
  readonly id: string
  readonly patterns: readonly SentencePattern[]
}

export interface Methods {
  /** In the order in which they are tried. */
  readonly entries: readonly (Operator | Method)[]
  readonly large: PhasePlan
}

export class MethodPackError extends Error {
  override readonly name = 'MethodPackError'
}

/** The packs that every mesh has. */
const BUILT_IN = fileURLToPath(new URL('../../methods', import.meta.url))

let known: Methods | undefined
/** The built-in methods alone; read once. */
export const builtInMethods = (): Methods => (known ??= readMethods())

/**
 * The methods of a folder before the built-in ones, so that an own one wins.
 *
 * @throws {MethodPackError} with one line for each fault
 */
export function readMethods(folder?: string): Methods {
  const faults: string[] = []
  const own = folder === undefined ? [] : packsIn(folder, faults)
  const packs = [...own, ...packsIn(BUILT_IN, faults)]
  const entries: (Operator | Method)[] = []
  const names = new Set<string>()
  for (const { file, pack } of packs) {
    const compile = (name: string, match: readonly string[]): { id: string; patterns: SentencePattern[] } => {
      const id = `${pack.pack}/${name}`
      if (names.has(id)) faults.push(`${file}: ${id} is there twice; rename one`)
      names.add(id)
      return { id, patterns: match.flatMap((sentence) => compiled(sentence, `${file}: ${id}`, faults)) }
    }
    for (const { name, match, ...method } of pack.methods)
      entries.push({ type: 'method', ...method, ...compile(name, match) })
    for (const { name, match, ...operator } of pack.operators)
      entries.push({ type: 'operator', ...operator, ...compile(name, match) })
  }
  for (const entry of entries) faults.push(...faultsOf(entry).map((fault) => `${entry.id}: ${fault}`))
  const large = packs.find(({ pack }) => pack.large)?.pack.large?.phases
  if (faults.length > 0 || !large)
    throw new MethodPackError(faults.join('\n') || 'no pack says how large work is planned')
  return { entries, large }
}

function packsIn(folder: string, faults: string[]): { file: string; pack: z.output<typeof Pack> }[] {
  const files = readdirSync(folder)
    .filter((file) => /\.ya?ml$/.test(file))
    .sort()
  return files.flatMap((file) => {
    try {
      const { data, error } = Pack.safeParse(parse(readFileSync(join(folder, file), 'utf8'), { maxAliasCount: 50 }))
      if (data) return [{ file, pack: data }]
      faults.push(...error.issues.map(({ path, message }) => `${file}: ${path.join('.')}: ${message}`))
    } catch (error) {
      faults.push(`${file}: ${error instanceof Error ? error.message : error}`)
    }
    return []
  })
}

function compiled(sentence: string, where: string, faults: string[]): SentencePattern[] {
  try {
    return [compileSentence(sentence)]
  } catch (error) {
    faults.push(`${where}: "${sentence}": ${error instanceof Error ? error.message : error}`)
    return []
  }
}

function faultsOf(entry: Operator | Method): string[] {
  const texts =
    entry.type === 'method'
      ? entry.steps.map((step) => step.do)
      : [...(entry.do ? [entry.do] : []), ...entry.makes, ...entry.needs, ...Object.values(entry.files ?? {})]
  const given = new Set<string>(Object.keys(entry.defaults))
  if (entry.type === 'operator' && entry.files) given.add('file')
  const faults = entry.patterns.flatMap(({ slots, written }) =>
    texts.flatMap((text) => {
      const fault = faultOfWords(text, new Set([...slots, ...given]))
      return fault === undefined ? [] : [`"${written}": "${text}": ${fault}`]
    }),
  )
  if (entry.type === 'operator') {
    for (const kind of entry.kinds)
      if (!factsOf(kind)) faults.push(`there is no kind of action ${kind}; \`deed kinds\` lists them`)
    return faults
  }
  try {
    checkGraph(entry.steps.map(({ id, after = [] }) => ({ id, depends_on: after })))
  } catch (error) {
    faults.push(error instanceof Error ? error.message : String(error))
  }
  return faults
}
