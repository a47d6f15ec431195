/**
 * Thinking: the cache, the template DAG, the task DAG and the rules, asked side by side. Nothing in
 * here changes anything, so whatever dies meanwhile is simply asked again.
 */
import type { Bus } from '@deed/mesh/bus'
import { hashJson } from '@deed/mesh/canonical-json'
import { type AgentReply, type AgentTask, processTask, type Solution } from '@deed/proto/agent'
import { type CacheEntry, type CacheScope, getCache } from '@deed/proto/cache'
import type { RequestContract } from '@deed/proto/contract'
import { DeedError } from '@deed/proto/errors'
import type { ExecutionRequest } from '@deed/proto/execution'
import type { Principal } from '@deed/proto/ids'
import type { Method } from '@deed/proto/states'
import { type Decomposition, decomposeTask, type GoalNode } from '@deed/proto/task'
import { getTemplate, selectTemplate, type TemplateChoice } from '@deed/proto/template'
import type { Log } from '@deed/telemetry/logger'
import type { z } from 'zod'

/** A node of the goal with the actions that bring it about, or with what a model is to be asked. */
export interface SolvedNode {
  node: GoalNode
  solution?: Solution
  ask?: AgentTask
}

export type Thought =
  | { type: 'answer'; entry: CacheEntry }
  | { type: 'solved'; nodes: SolvedNode[]; method: Method | null; estimatedMs: number; degraded: string[] }

export interface Question {
  request: ExecutionRequest
  principal: Principal
  trace: string
  scope: CacheScope
}

/** What must be equal besides the words for a cached answer to be the same answer. */
export function scopeOf(request: ExecutionRequest): CacheScope {
  const { task, language, context, acceptance_criteria } = request
  return {
    text: task,
    ...(language === undefined ? {} : { language }),
    context_hash: hashJson({ context: context ?? {}, acceptance_criteria: acceptance_criteria ?? [] }),
  }
}

export interface Thinking {
  /** A cached answer, known before the rest. Never rejects. */
  answer: Promise<CacheEntry | undefined>
  /** @throws {DeedError} where a rule knows what is meant and refuses it, or the rules themselves are away */
  thought: Promise<Thought>
}

/** Begins to think; everything is asked at once. */
export function think({ bus, log }: { bus: Bus; log: Log }, question: Question): Thinking {
  const { request, principal, trace, scope } = question
  const degraded: string[] = []
  /** An answer, or undefined with a note where the service is away: the flow goes on without it. */
  const orWithout = async <C extends RequestContract>(
    contract: C,
    input: z.input<C['input']>,
  ): Promise<z.output<C['output']> | undefined> => {
    try {
      return await bus.call(contract, input, { principal, trace, patient: false })
    } catch (error) {
      if (error instanceof DeedError && !error.retryable && error.code !== 'internal') throw error
      log.warn({ err: error, service: contract.owner }, 'going on without a service')
      degraded.push(contract.owner)
      return undefined
    }
  }
  const words = { task: request.task, ...optional({ language: request.language, complexity: request.complexity }) }
  const whole = taskOf(request, request.task)
  const asked = Promise.all([
    orWithout(selectTemplate, words),
    orWithout(decomposeTask, {
      goal: request.task,
      ...optional({ complexity: request.complexity, acceptance_criteria: request.acceptance_criteria }),
    }),
    settled(bus.call(processTask, whole, { principal, trace })),
  ])
  const cached = orWithout(getCache, scope).then((reply) => reply?.entry ?? undefined)
  const conclude = async (): Promise<Thought> => {
    // A hit is served without waiting for the rest.
    const entry = await cached
    if (entry?.value.kind === 'answer') return { type: 'answer', entry }
    return fromScratch(entry, ...(await asked))
  }
  const fromScratch = async (
    entry: CacheEntry | undefined,
    template: TemplateChoice | undefined,
    graph: Decomposition | undefined,
    wholeReply: Settled<AgentReply>,
  ): Promise<Thought> => {
    const nodes = tasksOf(graph, request)
    const alone = nodes.length === 1
    const replies = await Promise.all(
      nodes.map(async (node): Promise<SolvedNode> => {
        const task = alone ? whole : taskOf(request, node.description, node.acceptance_criteria)
        const reply = alone ? unwrap(wholeReply) : await bus.call(processTask, task, { principal, trace })
        return { node, ...(await solve({ bus, principal, trace }, task, reply, alone ? template : undefined)) }
      }),
    )
    const needsModel = replies.some(({ solution }) => solution === undefined)
    if (needsModel && alone && entry?.value.kind === 'solution' && replies[0]) {
      // Done and proven before; its actions are run and verified afresh.
      return {
        type: 'solved',
        nodes: [{ node: replies[0].node, solution: entry.value.solution }],
        method: 'cached',
        estimatedMs: graph?.critical_path_ms ?? 0,
        degraded,
      }
    }
    return {
      type: 'solved',
      nodes: replies,
      method: needsModel ? null : 'autonomous',
      estimatedMs: graph?.critical_path_ms ?? 0,
      degraded,
    }
  }
  asked.catch(() => undefined)
  const thought = conclude()
  thought.catch(() => undefined)
  return {
    answer: cached.then((entry) => (entry?.value.kind === 'answer' ? entry : undefined)).catch(() => undefined),
    thought,
  }
}

/** Only the leaves are done; goals and phases hold them together. Dependencies on a compound mean all in it. */
function tasksOf(graph: Decomposition | undefined, request: ExecutionRequest): GoalNode[] {
  if (!graph) {
    return [
      {
        id: 'task',
        kind: 'task',
        title: request.task.slice(0, 512),
        description: request.task,
        depends_on: [],
        acceptance_criteria: request.acceptance_criteria ?? [],
        estimated_ms: 0,
        estimated_cost_usd: 0,
        capability: 'act',
        risk: 'low',
      },
    ]
  }
  const leavesBelow = new Map<string, string[]>()
  const parents = new Map(graph.nodes.map(({ id, parent }) => [id, parent]))
  for (const node of graph.nodes) {
    if (node.kind !== 'task') continue
    for (let at: string | undefined = node.id; at !== undefined; at = parents.get(at)) {
      const below = leavesBelow.get(at)
      if (below) below.push(node.id)
      else leavesBelow.set(at, [node.id])
    }
  }
  /** What a node or anything that it is a part of waits for. */
  const waitsFor = (node: GoalNode): string[] => {
    const names = new Set<string>()
    for (let at: GoalNode | undefined = node; at; at = nodeAt.get(at.parent ?? '')) {
      for (const name of at.depends_on) for (const leaf of leavesBelow.get(name) ?? []) names.add(leaf)
    }
    names.delete(node.id)
    return [...names]
  }
  const nodeAt = new Map(graph.nodes.map((node) => [node.id, node]))
  return graph.nodes.filter(({ kind }) => kind === 'task').map((node) => ({ ...node, depends_on: waitsFor(node) }))
}

function taskOf(request: ExecutionRequest, description: string, criteria = request.acceptance_criteria): AgentTask {
  return {
    description,
    ...optional({
      complexity: request.complexity,
      language: request.language,
      target_file: request.context?.target_file,
      acceptance_criteria: criteria,
      context: request.context as AgentTask['context'],
    }),
  }
}

interface Asking {
  bus: Bus
  principal: Principal
  trace: string
}

async function solve(
  { bus, principal, trace }: Asking,
  task: AgentTask,
  reply: AgentReply,
  chosen: TemplateChoice | undefined,
): Promise<{ solution: Solution } | { ask: AgentTask }> {
  if (reply.outcome === 'handled') return { solution: reply.solution }
  if (reply.outcome === 'refused') throw DeedError.from(reply.error)
  if (reply.reason === 'needs_model') return { ask: task }
  try {
    const choice =
      chosen ??
      (await bus.call(
        selectTemplate,
        { task: task.description, ...optional({ language: task.language, complexity: task.complexity }) },
        { principal, trace },
      ))
    if (choice.language === 'any') return { ask: task }
    const template = await bus.call(getTemplate, { id: choice.id, version: choice.version }, { principal, trace })
    if (template.language === 'any') return { ask: task }
    const { id, version, body, variables, task_type } = template
    const withTemplate: AgentTask = {
      ...task,
      type: task_type,
      template: { id, version, language: template.language, task_type, body, variables },
    }
    const second = await bus.call(processTask, withTemplate, { principal, trace })
    if (second.outcome === 'handled') return { solution: second.solution }
    if (second.outcome === 'refused') throw DeedError.from(second.error)
    return { ask: withTemplate }
  } catch (error) {
    // Without the templates a model may still know.
    if (error instanceof DeedError && error.retryable) return { ask: task }
    throw error
  }
}

type Settled<T> = { value: T } | { error: unknown }

const settled = <T>(promise: Promise<T>): Promise<Settled<T>> =>
  promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )

function unwrap<T>(outcome: Settled<T>): T {
  if ('error' in outcome) throw outcome.error
  return outcome.value
}

/** The fields that are there; an absent one is left out rather than sent as null. */
function optional<T extends Record<string, unknown>>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
