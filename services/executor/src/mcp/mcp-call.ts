/**
 * mcp.call: one tool of an MCP server that execution.yaml names. What the tool answers is its own word: a change needs
 * `verify`, and a reading is made a second time, where it may be. What was agreed to holds for the list of tools as it was then.
 */

import { counted } from '@deed/config/counted'
import { hashJson } from '@deed/json/canonical-json'
import { DeedError } from '@deed/proto/errors'
import { defined, type Json, JsonObject } from '@deed/proto/json'
import type { CallToolResult } from '@modelcontextprotocol/client'
import { z } from 'zod'
import type { After, Before, Context, Effect, Kind } from '../kind/kind.ts'
import { readingOnly } from '../kind/reading-only.ts'
import type { Seen } from '../kind/seen.ts'
import { observeOnce } from '../observing/observe.ts'
import { atServer, confinementOf, type Server } from './at-server.ts'
import { allowedTool, type McpTarget, type McpTool, mcpTarget } from './mcp-target.ts'

const TEXT_CHARS_MAX = 65_000
/** A report travels in one message of at most 1 MB. */
const DATA_BYTES_MAX = 256 * 1024

const Input = z.strictObject({
  target: z.string().min(1).max(256),
  tool: z.string().min(1).max(128),
  arguments: JsonObject.default({}),
  /** Of a tool that reads; false: it is called exactly once, and no second call confirms its answer. */
  repeatable: z.boolean().default(true),
})
export type McpCall = z.output<typeof Input>

export type CallBefore = Before & {
  /** The tool only reads. */
  reads?: boolean
  /** What `verify` read beforehand, where a tool is named that takes it back and `verify` does not hold yet. */
  reading?: string
}

/** `undo`: what the tool that takes it back is given. */
export type CallAfter = After & { undo?: JsonObject }

export const mcpCall: Kind<McpCall, CallBefore, CallAfter> = {
  name: 'mcp.call',
  version: 1,
  input: Input,
  idempotent: false,
  takesVerify: true,
  example: { target: 'tickets', tool: 'create_ticket', arguments: { title: 'The printer is out of paper' } },
  effectOf: ({ target, tool }, { config: { targets } }) => {
    const known = Object.hasOwn(targets, target) ? targets[target] : undefined
    return known?.type === 'mcp' && Object.hasOwn(known.tools, tool) ? known.tools[tool]!.effect : 'change'
  },
  summary: ({ target, tool, arguments: args }) => `call ${tool} of ${target} with ${JSON.stringify(args)}`,
  async before(input, context) {
    const { action } = context
    const { target, tool } = calledBy(input, context)
    // What only reads is looked up together with the call.
    const once = !input.repeatable || !tool.repeatable
    if (tool.effect === 'read') return { state: 'unread', reads: true, ...(once ? { once: true } : {}) }
    if (!input.repeatable)
      throw new DeedError('invalid_request', `repeatable is for tools that read, and ${input.tool} changes something`, {
        path: '$.input.repeatable',
      })
    const { verify } = action
    if (verify === undefined)
      throw new DeedError('invalid_request', `${input.tool} needs verify: its answer alone proves nothing`)
    const state = await atServer(target, context, async (server) => stateOf(server, input.tool))
    if (action.expect_before !== undefined && action.expect_before !== state) throw toolsChanged(input)
    if (!tool.undo) return { state }
    const seen = await observeOnce(verify, context, { before: { state } })
    return { state, ...(seen.outcome === 'failed' ? { reading: readingOf(seen) } : {}) }
  },
  reversibility: (_, { reads, reading }) =>
    reads ? 'reversible' : reading === undefined ? 'irreversible' : 'compensable',
  mayHoldAlready: (_, { reads }) => !reads,
  postcondition: (_input, { once }, { verify }) => verify ?? { kind: once ? 'asked_once' : 'answers_again' },
  async execute(input, context, before) {
    const { target, tool } = calledBy(input, context)
    return atServer(target, context, async (server) => {
      const state = stateOf(server, input.tool)
      if (tool.effect === 'read') {
        if (before.once) context.begin()
        return effectOf(await answerOf(server, input), input, server, context)
      }
      if (before.state !== state) throw toolsChanged(input)
      context.begin()
      const answer = await answerOf(server, input).catch(unlessTooLarge)
      const undo = tool.undo && argumentsFor(tool.undo, input, answer)
      return { ...effectOf(answer, input, server, context), after: undo ? { undo } : {} }
    })
  },
  async again(input, context, first) {
    const { target } = calledBy(input, context)
    const answer = await atServer(target, context, (server) => answerOf(server, input))
    const facts = { answer_sha256: hashOf(answer) }
    const same = first.facts?.answer_sha256 === facts.answer_sha256
    const observed = `a second call gave ${same ? 'the same answer' : 'another answer, which moves'}`
    return { outcome: 'verified', same, observed, facts }
  },
  async targetState(_input, context, before) {
    if (before.reads) return readingOnly.targetState()
    const { verify } = context.action
    if (verify === undefined || before.reading === undefined)
      return { at: 'unknown', observed: 'what the tool has changed is unknown' }
    const seen = await observeOnce(verify, context, { before })
    if (seen.outcome !== 'failed')
      return { at: seen.outcome === 'verified' ? 'after' : 'unknown', observed: seen.observed }
    if (readingOf(seen) === before.reading) return { at: 'before', observed: `${seen.observed}, as before the call` }
    return { at: 'unknown', observed: `${seen.observed}, which is not what was read before the call` }
  },
  async compensate(input, context, _before, after) {
    const { target, tool } = calledBy(input, context)
    const { undo } = tool
    if (!undo) throw new DeedError('not_undoable', `no tool is named that takes ${input.tool} back`)
    const args = after?.undo ?? argumentsFor(undo, input)
    if (!args)
      throw new DeedError('not_undoable', `${undo.tool} needs what ${input.tool} answered, and that is not known`)
    return atServer(target, context, async (server) => {
      context.begin()
      await answerOf(server, { ...input, tool: undo.tool, arguments: args }).catch(unlessTooLarge)
      return `${undo.tool} of ${input.target} was called`
    })
  },
  confinement: ({ target }, world) => confinementOf(mcpTarget(world, target), world),
  environment: ({ target }, world) => mcpTarget(world, target).environment,
}

function calledBy({ target: name, tool }: McpCall, { world }: Context): { target: McpTarget; tool: McpTool } {
  const target = mcpTarget(world, name)
  return { target, tool: allowedTool(target, tool) }
}

/** All that an observation has read, so that two of them can be compared. */
const readingOf = ({ observed, facts = {} }: Seen): string => hashJson({ observed, facts })

/** @throws {DeedError} `unknown_target` when the server has no such tool */
function stateOf({ has, toolsHash, name }: Server, tool: string): string {
  if (!has(tool)) throw new DeedError('unknown_target', `the server ${JSON.stringify(name)} has no tool ${tool}`)
  return `tools:${toolsHash}`
}

const toolsChanged = ({ target }: McpCall) =>
  new DeedError('tool_changed', `the tools of ${target} are not those that this was planned with; plan again`)

/** @throws {DeedError} `effect_failed` when the tool itself says that it has failed */
async function answerOf(server: Server, { tool, arguments: args }: McpCall): Promise<CallToolResult> {
  const answer = await server.call(tool, args)
  if (answer.isError)
    throw new DeedError('effect_failed', `${tool} says that it failed: ${textOf(answer).slice(0, 1_000)}`)
  return answer
}

/** What is done is done, however much is said about it. */
function unlessTooLarge(error: unknown): undefined {
  if (!(error instanceof DeedError) || error.details?.limit !== 'output') throw error
}

function effectOf(
  answer: CallToolResult | undefined,
  { target, tool }: McpCall,
  { name, toolsHash }: Server,
  { world }: Context,
): Effect {
  const confinement = confinementOf(mcpTarget(world, target), world)
  const text = answer && textOf(answer)
  const structured = answer?.structuredContent as Json | undefined
  const fits = structured === undefined || JSON.stringify(structured).length <= DATA_BYTES_MAX
  return {
    claimed: `${tool} of ${target} answered ${text === undefined ? 'more than is read' : `with ${counted(text.length, 'character')}`}`,
    result: {
      text: text?.slice(0, TEXT_CHARS_MAX) || `${tool} answered`,
      data: {
        ...(structured !== undefined && fits ? { answer: structured } : {}),
        truncated: text === undefined || text.length > TEXT_CHARS_MAX || !fits,
      },
    },
    facts: {
      server: name,
      tools_sha256: toolsHash,
      ...(answer ? { answer_sha256: hashOf(answer) } : {}),
      ...defined({ sandbox: confinement }),
    },
  }
}

const hashOf = ({ content, structuredContent }: CallToolResult): string =>
  hashJson({ content, ...defined({ structuredContent }) })

/** What is no text is named by what it is. */
const textOf = ({ content }: CallToolResult): string =>
  content.map((part) => (part.type === 'text' ? part.text : `(${part.type})`)).join('\n')

/** @returns `undefined` when one of them was to come out of the answer, and is not in it */
function argumentsFor(
  { arguments: wanted }: NonNullable<McpTool['undo']>,
  call: McpCall,
  answer?: CallToolResult,
): JsonObject | undefined {
  const known = { arguments: call.arguments, result: answer && resultOf(answer) }
  const found = Object.entries(wanted).map(([name, path]) => [name, valueAt(known, path.split('.'))] as const)
  return found.some(([, value]) => value === undefined) ? undefined : (Object.fromEntries(found) as JsonObject)
}

/** Many a server says in a text what it has as data. */
function resultOf(answer: CallToolResult): unknown {
  if (answer.structuredContent !== undefined) return answer.structuredContent
  try {
    return JSON.parse(textOf(answer))
  } catch {
    return undefined
  }
}

function valueAt(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined) return value
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return valueAt((value as Record<string, unknown>)[name], rest)
}
