/**
 * A model's answer into a solution, or the sentence that says what is wrong with it.
 *
 * A model proposes kinds and inputs, and nothing else: what it says about risk, success or verification has no field
 * to stand in, and an answer that brings one is refused.
 */

import { decodeJson } from '@deed/mesh/decode'
import type { AgentTask } from '@deed/proto/agent'
import { Solution } from '@deed/proto/agent'
import { DeedError } from '@deed/proto/errors'
import type { JsonObject } from '@deed/proto/json'
import { z } from 'zod'
import { CATALOGUE } from '../catalogue.ts'
import { workspaceOf } from '../rules/decide.ts'
import { refusePathOutside } from '../rules/path-scope.ts'
import { isOfType, type World } from '../rules/vocabulary.ts'

const ACTIONS_MAX = 20
const PROBLEMS_SHOWN_MAX = 5
const StepName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/)

const Step = z.discriminatedUnion(
  'kind',
  Object.entries(CATALOGUE).flatMap(([kind, { input }]) =>
    input
      ? [
          z.strictObject({
            kind: z.literal(kind),
            name: StepName.describe('unique among the actions'),
            title: z.string().min(1).max(256),
            input,
            depends_on: z.array(StepName).max(ACTIONS_MAX).optional().describe('names of actions that come first'),
          }),
        ]
      : [],
  ) as unknown as [StepSchema, ...StepSchema[]],
)
type StepSchema = z.ZodObject<{
  kind: z.ZodLiteral<string>
  name: typeof StepName
  title: z.ZodString
  input: z.ZodType<JsonObject>
  depends_on: z.ZodOptional<z.ZodArray<typeof StepName>>
}>

const Answer = z.strictObject({
  actions: z.array(Step).max(ACTIONS_MAX).describe('empty where the task cannot be done with these kinds'),
})

/** Model servers turn a schema into a grammar, and refuse a grammar that counts to thousands. These are checked here. */
const CHECKED_HERE = [
  'maxLength',
  'minLength',
  'maxItems',
  'minItems',
  'pattern',
  'format',
  'minimum',
  'maximum',
] as const

/** The same as a JSON schema, for the model server. */
export const ANSWER_SCHEMA = z.toJSONSchema(Answer, {
  target: 'draft-7',
  override: ({ jsonSchema }) => {
    for (const key of CHECKED_HERE) delete jsonSchema[key]
  },
})

/** A proposal's confidence before anything has shown what it is worth. */
const CONFIDENCE = 0.5

export type Read = { readonly solution: Solution } | { readonly problem: string }

/** @param untrusted what the model had read that nobody vouches for: each of its actions says so */
export function readAnswer(text: string, task: AgentTask, world: World, untrusted: readonly string[] = []): Read {
  let raw: unknown
  try {
    raw = decodeJson(Buffer.from(text))
  } catch (error) {
    // JSON, but with what nothing can hold: the character NUL, half a character, keys that reach prototypes.
    if (error instanceof DeedError && error.code !== 'invalid_json') return { problem: error.message }
    return { problem: 'the answer is not JSON; answer with one JSON object and nothing around it' }
  }
  const { data, error } = Answer.safeParse(raw)
  if (error) return { problem: problemsOf(error) }
  if (data.actions.length === 0) return { problem: 'the answer has no action' }
  const problem = faultOf(data.actions, world)
  if (problem !== undefined) return { problem }
  const actions = data.actions.map(({ kind, name, title, input, depends_on = [] }) => {
    const entry = CATALOGUE[kind]
    const planned = entry?.planned?.(input) ?? { input }
    const action = {
      kind,
      ...planned,
      ...(entry?.inWorkspace ? workspaceOf(task) : {}),
      ...(untrusted.length === 0 ? {} : { untrusted_sources: untrusted }),
    }
    return { name, title, action, depends_on }
  })
  const reads = data.actions.every(({ kind }) => kind === 'sql.query')
  return {
    solution: Solution.parse({ actions, ...(reads ? { answer: { kind: 'table' } } : {}), confidence: CONFIDENCE }),
  }
}

function problemsOf(error: z.ZodError): string {
  return error.issues
    .slice(0, PROBLEMS_SHOWN_MAX)
    .map(({ path, message }) => `${path.join('.') || 'the answer'}: ${message}`)
    .join('; ')
}

/** What no schema can see: names, order, targets and places. */
function faultOf(steps: readonly z.output<typeof Step>[], world: World): string | undefined {
  const earlier = new Set<string>()
  const names = new Set(steps.map(({ name }) => name))
  if (names.size < steps.length) return 'two actions have one name'
  for (const { kind, name, input, depends_on = [] } of steps) {
    // In their order: so there is no cycle, and a reader sees what comes first.
    const unknown = depends_on.find((other) => !earlier.has(other))
    if (unknown !== undefined) return `${name} depends on "${unknown}", which is no action before it`
    earlier.add(name)
    const { targetType } = CATALOGUE[kind] ?? {}
    const target = String(input.target)
    if (targetType !== undefined && !isOfType(world.targets[target]?.type, targetType)) {
      return `${name}: there is no target "${target}" of type ${targetType}`
    }
    const paths = [input.path, input.from, input.to, ...(Array.isArray(input.expect_files) ? input.expect_files : [])]
    for (const path of paths) {
      if (typeof path !== 'string') continue
      try {
        refusePathOutside(path, world)
      } catch (error) {
        if (error instanceof DeedError) return `${name}: ${error.message}`
        throw error
      }
    }
  }
  return undefined
}
