/**
 * Finds the one plan in a model's answer, ignoring fences, prose, thinking and tool-call envelopes. The plan is
 * validated by schema and policy like any other; if several plans differ, none is taken.
 */
import { hashJson } from '@deed/json/canonical-json'
import { decodeJson } from '@deed/json/decode'
import { DeedError } from '@deed/proto/errors'
import type { Json, JsonObject } from '@deed/proto/json'
import { factsOf } from '@deed/proto/kinds'

export interface ToolCall {
  readonly name: string
  readonly arguments: Json
}

export interface ModelText {
  readonly text: string
  /** The server's separate field for the model's reasoning. */
  readonly thinking?: string
  /** Tool calls instead of text. */
  readonly calls?: readonly ToolCall[]
}

/** At most this many opening braces are tried; an answer with more is rejected. */
const OBJECTS_MAX = 50

const NOT_JSON = 'the answer is not JSON; answer with one JSON object and nothing around it'

/** @returns the plan as the model wrote it, or what is wrong with its answer */
export function findPlan({ text, thinking = '', calls = [] }: ModelText): { plan: unknown } | { problem: string } {
  if (calls.length > 0) return { plan: planOf(calls) }
  // Some servers put the whole answer into the field for thinking.
  const said = text.trim() === '' ? thinking : text
  const whole = decoded(said)
  if ('value' in whole) return { plan: asPlan(whole.value) }
  if (whole.problem !== NOT_JSON) return whole
  const spoken = objectsIn(withoutThinking(said))
  const { objects, problem } = spoken.objects.length > 0 || spoken.problem ? spoken : objectsIn(said)
  if (problem !== undefined) return { problem }
  const plans = objects.filter((object) => 'actions' in object)
  if (new Set(plans.map((plan) => hashJson(plan))).size > 1) {
    return { problem: 'the answer holds several plans that differ; answer with one JSON object and nothing around it' }
  }
  const asCalls = objects.filter(isCall)
  if (plans.length === 0 && asCalls.length > 0) return { plan: planOf(asCalls) }
  const [plan = objects[0]] = plans
  return plan === undefined ? { problem: NOT_JSON } : { plan }
}

function decoded(text: string): { value: Json } | { problem: string } {
  try {
    return { value: decodeJson(Buffer.from(text)) as Json }
  } catch (error) {
    // Valid JSON with values that cannot be stored: the character NUL, half a surrogate pair, a duplicate key.
    if (error instanceof DeedError && !error.message.startsWith('the message is not JSON'))
      return { problem: error.message }
    return { problem: NOT_JSON }
  }
}

/**
 * Removes the thinking at the beginning. Some models omit its opening tag; thinking that is never closed means that
 * there is no answer.
 */
function withoutThinking(text: string): string {
  const closed = /<\/think(?:ing)?>/i.exec(text)
  if (closed) return withoutThinking(text.slice(closed.index + closed[0].length))
  return /^\s*<think(?:ing)?>/i.test(text) ? '' : text
}

/** Top-level JSON objects in a text; an object that cannot be stored is reported as a problem. */
function objectsIn(text: string): { objects: JsonObject[]; problem?: string } {
  const objects: JsonObject[] = []
  let tried = 0
  for (let at = text.indexOf('{'); at >= 0 && tried < OBJECTS_MAX; tried++) {
    const end = endOfObject(text, at)
    const found = end === undefined ? undefined : decoded(text.slice(at, end))
    if (found && 'problem' in found && found.problem !== NOT_JSON) return { objects, problem: found.problem }
    const isObject = found && 'value' in found && typeof found.value === 'object' && !Array.isArray(found.value)
    if (isObject && found.value !== null) objects.push(found.value as JsonObject)
    at = text.indexOf('{', isObject && end !== undefined ? end : at + 1)
  }
  return { objects }
}

function endOfObject(text: string, start: number): number | undefined {
  let depth = 0
  let quoted = false
  for (let at = start; at < text.length; at++) {
    const sign = text[at]
    if (quoted) {
      if (sign === '\\') at++
      else if (sign === '"') quoted = false
    } else if (sign === '"') quoted = true
    else if (sign === '{') depth++
    else if (sign === '}' && --depth === 0) return at + 1
  }
  return undefined
}

const isCall = (value: unknown): value is JsonObject & ToolCall =>
  typeof value === 'object' &&
  value !== null &&
  'name' in value &&
  'arguments' in value &&
  typeof value.name === 'string'

const asPlan = (value: Json): unknown => (isCall(value) ? planOf([value]) : value)

/** Either one tool that takes a plan, or one tool call per kind, in order. */
function planOf(calls: readonly ToolCall[]): unknown {
  const given = calls.map(({ name, arguments: args }) => ({ name, input: argumentsOf(args) }))
  const [only] = given
  if (given.length === 1 && typeof only?.input === 'object' && only.input !== null && 'actions' in only.input) {
    return only.input
  }
  return {
    actions: given.map(({ name, input }, index) => {
      // Many servers forbid dots in tool names.
      const kind = factsOf(name) ? name : name.replace('_', '.')
      const before = index === 0 ? {} : { depends_on: [`step-${index}`] }
      return { kind, name: `step-${index + 1}`, title: factsOf(kind)?.about ?? name, input, ...before }
    }),
  }
}

/** Some servers send the arguments as a JSON string. */
function argumentsOf(args: Json): Json {
  if (typeof args !== 'string') return args
  const read = decoded(args)
  return 'value' in read ? read.value : args
}
