/** A tool of a role: it asks the mesh in the name of the role, and says where each of its numbers comes from. */
import type { Bus } from '@deed/mesh/bus'
import type { RequestContract } from '@deed/proto/contract'
import { type Decision, proposeDecision } from '@deed/proto/decision'
import { DeedError } from '@deed/proto/errors'
import type { Fact } from '@deed/proto/organization'
import { type RoleToolName, requestsOfTool } from '@deed/proto/role-requests'
import { z } from 'zod'
import { type Call, type Tool, tool } from '../serving/tool.ts'
import { worldText } from '../tools/execution-view.ts'
import { askAtConsole, earlierAnswer } from './ask-at-console.ts'

export const Facts = z.array(
  z.strictObject({
    name: z.string(),
    value: z.union([z.number(), z.string(), z.boolean(), z.null()]),
    source: z.string(),
    as_of: z.string(),
  }),
)

/** One call, with what it found out so far. */
export interface Work {
  readonly call: Call
  readonly facts: Fact[]
  /** What a person must decide, in a sentence: the client opens the console for it, where it can. */
  question?: string
  /** A request in the name of the role, which its tool may make: `proto/src/role-requests.ts`. */
  ask<C extends RequestContract>(contract: C, input: z.input<C['input']>): Promise<z.output<C['output']>>
  /** @param value null: it cannot be had, and `source` says why */
  fact(name: string, value: Fact['value'], source: string): void
  /** Asks, and notes the facts that the answer has; an answer that cannot be had makes each of them null, with the reason. */
  read<C extends RequestContract>(
    contract: C,
    input: z.input<C['input']>,
    facts: Record<string, (found: z.output<C['output']>) => Fact['value']>,
  ): Promise<z.output<C['output']> | undefined>
}

interface Definition<In extends z.ZodRawShape, Out extends z.ZodRawShape> {
  readonly name: RoleToolName
  readonly title: string
  readonly description: string
  readonly input: In
  readonly output: Out
  /** It changes nothing. */
  readonly reads?: true
  run(
    input: z.output<z.ZodObject<In, z.core.$strict>>,
    work: Work,
  ): Promise<z.input<z.ZodObject<Out, z.core.$strict>> & { next: string }>
}

/** Every answer has `facts` and `next` besides what is its own. */
export function roleTool<In extends z.ZodRawShape, Out extends z.ZodRawShape>(definition: Definition<In, Out>): Tool {
  const { name, title, description, input, output, reads, run } = definition
  return tool({
    ...{ name, title, description },
    input: z.strictObject(input),
    output: z.strictObject({ ...output, facts: Facts, next: z.string() }),
    annotations: reads
      ? { readOnlyHint: true, openWorldHint: false }
      : { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
    async run(asked, call) {
      const earlier = earlierAnswer(call, name)
      if (earlier) return earlier as never
      const work = workOf(name, call, await call.mesh.bus())
      const found = await run(asked as never, work)
      return (await askAtConsole(call, name, work.question, { ...found, facts: work.facts })) as never
    },
  })
}

function workOf(name: RoleToolName, call: Call, bus: Bus): Work {
  const facts: Fact[] = []
  const options = { principal: call.agent, signal: call.context.mcpReq.signal }
  const fact: Work['fact'] = (name, value, source) =>
    void facts.push({ name, value, source: source.slice(0, 256), as_of: new Date().toISOString() })
  const ask: Work['ask'] = (contract, input) => {
    if (!requestsOfTool(name).includes(contract.subject))
      throw new Error(`${name} asks ${contract.subject}, which its row in proto/src/role-requests.ts does not have`)
    return bus.call(contract, input, options)
  }
  return {
    ...{ call, facts, fact, ask },
    async read(contract, input, wanted) {
      const source = sourceOf(contract, input)
      try {
        const found = await ask(contract, input)
        for (const [name, pick] of Object.entries(wanted)) fact(name, pick(found), source)
        return found
      } catch (error) {
        if (!(error instanceof DeedError) || !error.retryable) throw error
        for (const name of Object.keys(wanted)) fact(name, null, `${source}: ${error.message}`)
        return undefined
      }
    },
  }
}

/** `execution.stats since=2026-11-01T00:00:00.000Z`. */
function sourceOf({ subject }: RequestContract, input: unknown): string {
  const window = Object.entries(input as Record<string, unknown>).filter(([, value]) => value !== undefined)
  return [subject, ...window.map(([name, value]) => `${name}=${value}`)].join(' ')
}

/** What a proposal answers. */
export const Decided = {
  approved: z.boolean(),
  status: z.string(),
  decision_id: z.string(),
  rationale: z.string().describe('the rule that decided, or who decides'),
}

type Proposing = Omit<z.input<typeof proposeDecision.input>, 'facts'>

/** Proposes it with the facts so far. */
export async function decide(work: Work, proposal: Proposing) {
  return decidedView(work, await work.ask(proposeDecision, { ...proposal, facts: work.facts }))
}

export function decidedView(work: Work, decision: Decision) {
  const { status, decision_id, type, subject, why, rule } = decision
  if (asksPerson(decision))
    work.question = worldText(
      `${type} ${JSON.stringify(subject.name)} needs a person (${why ?? rule}): it is in the inbox.`,
    )
  return { approved: status === 'approved', status, decision_id, rationale: why ?? rule, next: nextOf(decision) }
}

const asksPerson = ({ status, mode }: Decision): boolean =>
  status === 'escalated' || (status === 'pending' && mode === 'human')

function nextOf(decision: Decision): string {
  const { status, voters, due_at, decision_id: id } = decision
  if (status === 'approved') return 'It is in force.'
  if (status === 'rejected') return 'It is rejected: change what the rationale names, and propose it again.'
  if (asksPerson(decision))
    return `A person decides, in the console or with deed in a terminal; deed://decisions/${id} has the state.`
  return `${voters.join(', ')} vote until ${due_at}, with read_inbox and cast_vote; deed://decisions/${id} has the state.`
}

/** The beginning of a window, as a source names it. @param hours back from now */
export const hoursAgo = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString()

export const Hours = z.number().min(1).max(2_160).default(168).describe('the window, in hours back from now')
export const Text = z.string().min(1).max(4_096)
export const Name = z.string().min(1).max(128)
