/**
 * Turns a model's answer into a solution, or into a message that says what is wrong with it.
 *
 * A model proposes kinds and inputs only: the schema has no field for risk, success or verification, and an answer that
 * adds one is refused.
 */

import { hashJson } from '@deed/json/canonical-json'
import type { AgentTask, EarlierStep, FailedPlan } from '@deed/proto/agent'
import { Solution } from '@deed/proto/agent'
import { DeedError } from '@deed/proto/errors'
import type { JsonObject } from '@deed/proto/json'
import type { KindFacts } from '@deed/proto/kind-facts'
import { factsOf, KINDS, plannedTargets } from '@deed/proto/kinds'
import { z } from 'zod'
import { workspaceOf } from '../rules/decide.ts'
import { operationOf } from '../rules/operation-of.ts'
import { refusePathOutside } from '../rules/path-scope.ts'
import type { World } from '../rules/vocabulary.ts'
import { checksOf } from './checks-of.ts'
import { findPlan, type ModelText } from './find-plan.ts'
import { strayFrom } from './hold-to-words.ts'
import { oneAfterAnother } from './one-after-another.ts'

const ACTIONS_MAX = 20
const PROBLEMS_SHOWN_MAX = 5
const StepName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/)

/** @param inputOf the input schema of a kind; undefined if a plan must not contain the kind */
function answerOf(inputOf: (kind: string, facts: KindFacts) => z.ZodObject | undefined) {
  const steps = Object.entries(KINDS).flatMap(([kind, facts]) => {
    const input = inputOf(kind, facts)
    return input ? [stepOf(kind, input)] : []
  })
  return z.strictObject({
    actions: z
      .array(z.discriminatedUnion('kind', steps as unknown as [StepSchema, ...StepSchema[]]))
      .max(ACTIONS_MAX)
      .describe('empty where the task cannot be done with these kinds'),
  })
}

const stepOf = (kind: string, input: z.ZodObject) =>
  z.strictObject({
    kind: z.literal(kind),
    name: StepName.max(64).describe('unique among the actions'),
    title: z.string().min(1).max(256),
    input,
    depends_on: z.array(StepName.max(64)).max(ACTIONS_MAX).optional().describe('names of actions that run before it'),
  })

type StepSchema = z.ZodObject<{
  kind: z.ZodLiteral<string>
  name: typeof StepName
  title: z.ZodString
  input: z.ZodType<JsonObject>
  depends_on: z.ZodOptional<z.ZodArray<typeof StepName>>
}>

const Answer = answerOf((_, { input }) => input)
type Steps = z.output<typeof Answer>['actions']

/** Checked here only: model servers turn the schema into a grammar, which cannot express these. */
const CHECKED_HERE = ['pattern', 'format', 'minimum', 'maximum'] as const
/** Dropped if large: a server rejects a grammar that counts to thousands. */
const COUNTS = ['maxLength', 'minLength', 'maxItems', 'minItems'] as const
const COUNT_MAX = 1_024

/**
 * The smallest useful JSON schema for the model server: the offered kinds, the names of their targets, and every bound
 * that a grammar can count. Without `maxItems` a weak model lists actions until it runs out of tokens.
 */
export function schemaFor(kinds: readonly string[], { targets }: World): object {
  const fitting = answerOf((kind, facts) => {
    const { input } = facts
    if (!input || !kinds.includes(kind)) return undefined
    const types = plannedTargets(facts)
    if (!types) return input
    const names = Object.keys(targets).filter((name) => types.includes(targets[name]?.type ?? ''))
    return input.extend({ target: z.enum(names) })
  })
  return z.toJSONSchema(fitting, {
    target: 'draft-7',
    override: ({ jsonSchema }) => {
      for (const key of CHECKED_HERE) delete jsonSchema[key]
      for (const key of COUNTS) if ((jsonSchema[key] ?? 0) > COUNT_MAX) delete jsonSchema[key]
    },
  })
}

/** The confidence of a proposal without any record of success. */
const CONFIDENCE = 0.5

export type Read = { readonly solution: Solution } | { readonly problem: string }

/** @param untrusted the untrusted texts that the model read; each action lists them */
export function readAnswer(answer: ModelText, task: AgentTask, world: World, untrusted: readonly string[] = []): Read {
  const found = findPlan(answer)
  if ('problem' in found) return found
  const { data, error } = Answer.safeParse(found.plan)
  if (error) return { problem: problemsOf(error) }
  if (data.actions.length === 0) return { problem: 'the answer has no action' }
  const problem =
    faultOf(data.actions, world) ??
    strayFrom(operationOf(task.description, world), withEarlier(data.actions, task.failed_plan))
  if (problem !== undefined) return { problem }
  const actions = data.actions.map(({ kind, name, title, input, depends_on = [] }) => {
    const facts = factsOf(kind)
    const planned = facts?.planned?.(input) ?? { input }
    const action = {
      kind,
      ...planned,
      ...(facts?.in_workspace ? workspaceOf(task) : {}),
      ...(untrusted.length === 0 ? {} : { untrusted_sources: untrusted }),
    }
    return { name, title, action, depends_on }
  })
  const again = task.failed_plan && repeatOf(task.failed_plan, actions)
  if (again !== undefined) return { problem: again }
  const reads = data.actions.every(({ kind }) => kind === 'sql.query')
  // The checks of a plan that has begun are among what is still to come.
  const checks = task.failed_plan
    ? []
    : checksOf(
        task,
        world,
        actions.map(({ name }) => name),
      )
  const solution = Solution.parse({
    actions: [...actions, ...checks],
    ...(reads ? { answer: { kind: 'table' } } : {}),
    confidence: CONFIDENCE,
  })
  return { solution: { ...solution, actions: oneAfterAnother(solution.actions) } }
}

/** The whole plan: what is done, what is new, and what is to come. */
function withEarlier(steps: Steps, plan: FailedPlan | undefined) {
  const earlier = ({ title: name, kind, target }: EarlierStep) =>
    target === undefined ? [] : [{ kind, name, input: { target } }]
  return plan ? [...plan.done.flatMap(earlier), ...steps, ...plan.to_come.flatMap(earlier)] : steps
}

interface PlannedStep {
  readonly name: string
  readonly action: { readonly kind: string; readonly input: JsonObject }
}

/** @returns what is wrong with a plan that does again what failed, what is done, or what is to come */
function repeatOf({ failed, done, to_come: toCome }: FailedPlan, actions: readonly PlannedStep[]): string | undefined {
  for (const { name, action } of actions) {
    const hash = hashJson({ kind: action.kind, input: action.input })
    if (hash === failed.hash) return `${name}: exactly this has failed; find another way to do it`
    if (done.some((step) => step.hash === hash)) return `${name}: this is done already; leave it out`
    if (toCome.some((step) => step.hash === hash)) return `${name}: this follows by itself; leave it out`
  }
  return undefined
}

function problemsOf(error: z.ZodError): string {
  return error.issues
    .slice(0, PROBLEMS_SHOWN_MAX)
    .map(({ path, message }) => `${path.join('.') || 'the answer'}: ${message}`)
    .join('; ')
}

/** Checks what the schema cannot express: names, order, targets and paths. */
function faultOf(steps: Steps, world: World): string | undefined {
  const earlier = new Set<string>()
  const names = new Set(steps.map(({ name }) => name))
  if (names.size < steps.length) return 'two actions have the same name; give each action its own'
  for (const { kind, name, input, depends_on = [] } of steps) {
    // Dependencies must point backwards, so there is no cycle.
    const unknown = depends_on.find((other) => !earlier.has(other))
    if (unknown !== undefined) return `${name} depends on "${unknown}", which is not an action before it`
    earlier.add(name)
    const facts = factsOf(kind)
    const types = facts && plannedTargets(facts)
    const target = String(input.target)
    if (types && !types.includes(world.targets[target]?.type ?? '')) {
      return `${name}: there is no target "${target}" of type ${types.join(' or ')}`
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
