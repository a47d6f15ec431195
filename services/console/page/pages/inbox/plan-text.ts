/** What an approval seals, as lines of names and values; and in what two plans differ. Pure. */
import type { Approval } from './items.ts'

export type Step = Approval['actions'][number]

export interface Argument {
  readonly name: string
  readonly text: string
}

/** What an action has when nobody said otherwise; of no interest to a reader. */
const DEFAULTS: Readonly<Record<string, unknown>> = { already_so: 'skip', observe_only: false, timeout_ms: 60_000 }

/** All arguments of an action as it would run, each with its whole value. */
export function argumentsOf(action: Readonly<Record<string, unknown>>): Argument[] {
  const {
    kind,
    kind_version: version,
    input,
    reading: _shown,
    expect_resolved: means,
    expect_files: files,
    ...rest
  } = action
  const own = isObject(input) ? input : { input }
  const facts = (title: string, of: unknown): Argument[] =>
    isObject(of) ? Object.entries(of).map(([name, value]) => ({ name: `${title} ${name}`, text: textOf(value) })) : []
  return [
    {
      name: 'kind',
      text: `${textOf(kind)}${version === undefined || version === 1 ? '' : ` (version ${textOf(version)})`}`,
    },
    ...Object.entries({ ...own, ...rest })
      .filter(([name, value]) => value !== undefined && DEFAULTS[name] !== value)
      .map(([name, value]) => ({ name, text: textOf(value) })),
    ...facts('meaning of', means),
    ...facts('file', files),
  ]
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** How the words of the task were understood, where no rule knows them as they are. */
export function readingOf({ action, summary, title }: Step): { of: string; as: string; by: string } | undefined {
  const { reading } = action
  if (!isObject(reading) || typeof reading.of !== 'string') return undefined
  const by = typeof reading.by === 'string' && Object.hasOwn(READ_BY, reading.by) ? READ_BY[reading.by] : undefined
  const as = typeof reading.text === 'string' ? reading.text : summary || title
  return { of: reading.of, as, by: by ?? 'approve only if this is what was meant' }
}

const READ_BY: Readonly<Record<string, string>> = {
  similarity: 'by similarity; approve only if this is what was meant',
  learned: 'as learned from earlier tasks; approve only if this is what was meant',
  choice: 'as a person chose',
  model: 'by a model; approve only if this is what was meant',
  recalled: 'as an earlier request with similar words; approve only if this is what was meant',
}

export interface Difference {
  readonly step: string
  readonly name: string
  /** undefined: it was not there. */
  readonly before: string | undefined
  readonly after: string | undefined
}

/** In what two plans differ: steps that came or went, and the facts of those that are in both. */
export function planDifference(before: readonly Step[], after: readonly Step[]): Difference[] {
  const found: Difference[] = []
  const pairs = pairsOf(before, after)
  for (const [old, now] of pairs) {
    const step = titleOf(now ?? old)
    if (old === undefined || now === undefined) {
      found.push({ step, name: 'step', before: old && titleOf(old), after: now && titleOf(now) })
      continue
    }
    const [was, is] = [factsOf(old), factsOf(now)]
    for (const name of new Set([...was.keys(), ...is.keys()])) {
      if (was.get(name) !== is.get(name)) found.push({ step, name, before: was.get(name), after: is.get(name) })
    }
  }
  return found
}

const titleOf = (step: Step | undefined): string => step?.summary || step?.title || ''

/** Steps of one task belong together; those without a task in the other plan, by their order. */
function pairsOf(before: readonly Step[], after: readonly Step[]): [Step | undefined, Step | undefined][] {
  const ids = new Set(before.map(({ task_id: id }) => id))
  const common = after.some(({ task_id: id }) => ids.has(id))
  if (!common) {
    return Array.from({ length: Math.max(before.length, after.length) }, (_, index) => [before[index], after[index]])
  }
  const pairs: [Step | undefined, Step | undefined][] = before.map((old) => [
    old,
    after.find(({ task_id: id }) => id === old.task_id),
  ])
  return [
    ...pairs,
    ...after.filter(({ task_id: id }) => !ids.has(id)).map((now): [undefined, Step] => [undefined, now]),
  ]
}

function factsOf(step: Step): Map<string, string> {
  const facts = argumentsOf(step.action).map(({ name, text }): [string, string] => [name, text])
  const { level, why, state_before: state, environment, sandbox, diff, reversibility } = step
  for (const [name, value] of Object.entries({ level, why, state, environment, sandbox, diff, undo: reversibility })) {
    if (value !== null) facts.push([name, String(value)])
  }
  return new Map(facts)
}

/** The bounds of a grant that would cover this step: its kind, and what it names. */
export function boundsOf({ action }: Step): { kind: string; target?: string; workspace?: string; path?: string } {
  const input = isObject(action.input) ? action.input : {}
  return {
    kind: textOf(action.kind),
    ...(typeof input.target === 'string' ? { target: input.target } : {}),
    ...(typeof input.path === 'string' ? { path: input.path } : {}),
    ...(typeof action.workspace === 'string' ? { workspace: action.workspace } : {}),
  }
}
