/**
 * Thinks: asks the rules, and for a task that no rule knows as a whole, the cache, the task DAG and the template DAG
 * concurrently. Nothing here has a side effect, so after a crash it is repeated.
 */

import { hashJson } from '@deed/json/canonical-json'
import type { Bus } from '@deed/mesh/bus'
import { type AgentReply, processTask } from '@deed/proto/agent'
import { type CacheEntry, type CacheScope, getCache } from '@deed/proto/cache'
import type { RequestContract } from '@deed/proto/contract'
import { DeedError } from '@deed/proto/errors'
import type { ExecutionRequest } from '@deed/proto/execution'
import { defined } from '@deed/proto/json'
import { type Decomposition, decomposeTask, mayBeSeveral } from '@deed/proto/task'
import { selectTemplate, type TemplateChoice } from '@deed/proto/template'
import type { Log } from '@deed/telemetry/logger'
import type { z } from 'zod'
import { aboutExecution } from '../execution/about-execution.ts'
import { onBehalfOf } from '../execution/on-behalf-of.ts'
import type { ExecutionRow } from '../execution/snapshot.ts'
import { expectTimes } from './expected-time.ts'
import { leavesOf } from './leaves-of.ts'
import { isSolved, observeNode, readAsBefore, readByModel, type SolvedNode, solveNode, taskOf } from './solve-node.ts'
import { thinkManifest } from './think-manifest.ts'
import type { Thought } from './thought.ts'

/**
 * @param options.remembered whether an answer from the cache is acceptable
 * @throws {DeedError} if a rule understands the task and refuses it, or the rules are unavailable
 */
export function think(
  { bus, log }: { bus: Bus; log: Log },
  execution: ExecutionRow,
  { remembered = true }: { remembered?: boolean } = {},
): Promise<Thought> {
  const { request, execution_id: seed } = execution
  if (request.manifest) return thinkManifest({ bus }, execution, request.manifest)
  const options = onBehalfOf(execution)
  const degraded: string[] = []
  /** The answer, or undefined with a log line if the service is unavailable: the flow continues without it. */
  const orWithout = async <C extends RequestContract>(
    contract: C,
    input: z.input<C['input']>,
  ): Promise<z.output<C['output']> | undefined> => {
    try {
      return await bus.call(contract, input, { ...options, patient: false })
    } catch (error) {
      if (error instanceof DeedError && !error.retryable) throw error
      log.warn({ err: error, ...aboutExecution(execution), without: contract.owner }, 'continuing without a service')
      degraded.push(contract.owner)
      return undefined
    }
  }
  const { task, language, complexity, acceptance_criteria } = request
  const whole = taskOf(request, task)
  const goal = { goal: task, ...defined({ complexity, language, acceptance_criteria }) }
  const wholeReply = outcomeOf(bus.call(processTask, whole, options))
  const askOthers = (): Others => {
    const others = {
      cached: orWithout(getCache, scopeOf(request)).then((reply) => reply?.entry ?? undefined),
      dags: Promise.all([
        orWithout(selectTemplate, { task, seed, ...defined({ language, complexity }) }),
        orWithout(decomposeTask, goal),
      ]),
    }
    for (const other of [others.cached, others.dags]) other.catch(() => undefined)
    return others
  }
  const atOnce = complexity === 'complex' || mayBeSeveral(task) ? askOthers() : undefined

  /** A task that no rule knows as a whole may be known in parts; as one task it would go to a model, or fail. */
  const graphAfterAll = async (): Promise<Decomposition> => {
    const graph = await bus.call(decomposeTask, goal, options)
    degraded.splice(degraded.indexOf(decomposeTask.owner), 1)
    return graph
  }

  const conclude = async (): Promise<Thought> => {
    // A task that rules solve or refuse as a whole needs nobody else; whether the answer to a read is known already, the
    // reservation of its answer tells.
    const others = atOnce ?? (isDeclined(await wholeReply) ? askOthers() : undefined)
    // A hit is served without waiting for the rest.
    const entry = await others?.cached
    if (remembered && entry?.value.kind === 'answer') return { type: 'answer', entry }
    const reply = await wholeReply
    const [template, met] = (await others?.dags) ?? []
    const graph = met ?? (isDeclined(reply) ? await graphAfterAll() : undefined)
    const { nodes: solved, solvedBy } = await solveAll(template, graph, reply)
    const { nodes, estimatedMs } = expectTimes(solved)
    const [first] = nodes
    if (solvedBy === null && nodes.length === 1 && first && entry?.value.kind === 'solution') {
      // Verified earlier; its actions are executed and verified again.
      const { solution } = entry.value
      const reading = entry.similar ? readAsBefore(task, entry.similar.text) : readByModel(task, solution)
      const known = expectTimes([{ node: first.node, solution, reading }])
      return { type: 'solved', ...known, method: 'cached', degraded }
    }
    return { type: 'solved', nodes, method: solvedBy, estimatedMs, degraded }
  }

  const solveAll = async (
    template: TemplateChoice | undefined,
    graph: Decomposition | undefined,
    known: Outcome<AgentReply>,
  ): Promise<{ nodes: SolvedNode[]; solvedBy: 'autonomous' | null }> => {
    const leaves = leavesOf(graph, request)
    const alone = leaves.filter(({ verifies }) => !verifies).length === 1
    const found = await Promise.all(
      leaves.map(async (node) => {
        const { description, acceptance_criteria: criteria, verifies } = node
        if (verifies) return observeNode({ bus, ...options }, node, taskOf(request, description, criteria))
        const agentTask = alone ? whole : taskOf(request, description, criteria, node.language)
        // What a large goal is divided into is beyond rules, whatever words of the goal it repeats.
        if (node.capability === 'solve') return { node, ask: agentTask }
        // If the goal is one task, the answer for the whole is the answer for the task.
        const reply = alone ? unwrap(known) : await bus.call(processTask, agentTask, options)
        return solveNode({ bus, seed, ...options }, node, agentTask, reply, alone ? template : undefined)
      }),
    )
    // A model's plan for the only task gets the same checks with it.
    const byModel = alone && found.some(({ ask, question }) => ask && !question)
    const nodes = byModel ? found.filter(({ node }) => !node.verifies) : found
    return { nodes, solvedBy: nodes.every(isSolved) ? 'autonomous' : null }
  }

  const thought = conclude()
  thought.catch(() => undefined)
  return thought
}

/** What must be equal besides the words for a cached answer to apply. */
export function scopeOf({ task, language, context, acceptance_criteria }: ExecutionRequest): CacheScope {
  return {
    text: task,
    ...defined({ language }),
    context_hash: context || acceptance_criteria ? contextHash(context, acceptance_criteria) : NO_CONTEXT_HASH,
  }
}

/** Whether an answer to the one may be one to the other, as far as their words are similar enough. */
export const inSameScope = (one: ExecutionRequest, other: ExecutionRequest): boolean =>
  hashJson({ ...scopeOf(one), text: '' }) === hashJson({ ...scopeOf(other), text: '' })

const contextHash = (
  context: ExecutionRequest['context'] = {},
  acceptance_criteria: ExecutionRequest['acceptance_criteria'] = [],
): string => hashJson({ context, acceptance_criteria })

const NO_CONTEXT_HASH = contextHash()

/** What the others answer, each as soon as it has. */
interface Others {
  cached: Promise<CacheEntry | undefined>
  dags: Promise<[TemplateChoice | undefined, Decomposition | undefined]>
}

type Outcome<T> = { value: T } | { error: unknown }

const outcomeOf = <T>(promise: Promise<T>): Promise<Outcome<T>> =>
  promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )

const isDeclined = (reply: Outcome<AgentReply>): boolean => 'value' in reply && reply.value.outcome === 'declined'

function unwrap<T>(outcome: Outcome<T>): T {
  if ('error' in outcome) throw outcome.error
  return outcome.value
}
