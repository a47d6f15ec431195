/**
 * Solves a task with models: ask one, check its answer, let it repair an invalid answer once, then ask the next.
 *
 * Every call is stored before it is made. A redelivered task finds the accepted answer and asks no model.
 */
import type { ExecutionConfig } from '@deed/config/execution-config'
import { hashJson } from '@deed/json/canonical-json'
import { type AgentTask, Solution, type WorkSolve } from '@deed/proto/agent'
import { DeedError } from '@deed/proto/errors'
import type { Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'
import type { Trace } from '@deed/telemetry/trace-context'
import type { Gathered, GatherOptions } from '../context/gather-context.ts'
import { type PackedContext, packContext, tokensOf } from '../context/pack-context.ts'
import { categoryOf } from '../models/categories.ts'
import { chooseModels } from '../models/choose-models.ts'
import type { CircuitBreaker } from '../models/circuit-breaker.ts'
import { kindsFor } from '../models/kinds-for.ts'
import type { OfferedModel } from '../models/model-provider.ts'
import type { OfferedModels } from '../models/offered-models.ts'
import { ANSWER_TOKENS_MAX, PROMPT_TOKENS_MAX } from '../models/price-of.ts'
import { type ChatMessage, promptFor, repairPrompt } from '../models/prompt.ts'
import { readAnswer, schemaFor } from '../models/read-answer.ts'
import { untrustedSources } from '../models/untrusted-sources.ts'
import type { World } from '../rules/vocabulary.ts'
import { departmentBudgets } from '../store/department-budgets.ts'
import { type Budget, callsOfTask } from '../store/model-calls.ts'
import { readModelRecords } from '../store/model-records.ts'
import { add, type Calls, callModel, type Spent } from './call-model.ts'
import { type Tries, whyUnsolved } from './why-unsolved.ts'

/** Per task, over all its attempts: after so many calls the task is given up. */
export const CALLS_MAX = 20
/** The first answer and one repair. */
const TRIES_PER_MODEL = 2
/** A model's window holds its answer too, and the schema; the smallest window is that of the local server. */
const CONTEXT_TOKENS_MAX = PROMPT_TOKENS_MAX - ANSWER_TOKENS_MAX
/** More of it distracts small models, and costs with others. */
export const KNOWN_TOKENS_MAX = 4_096
/** All calls of an attempt together take at most this many times the limit of one call. */
const CALLS_TIME_FACTOR = 2

export interface SolveDependencies {
  readonly store: Pick<Store<unknown>, 'query'>
  readonly offered: OfferedModels
  readonly breaker: CircuitBreaker
  readonly world: World
  readonly models: ExecutionConfig['models']
  readonly log: Log
  /** What the mesh knows of the world of a task. */
  readonly gather: (work: WorkSolve, options: Omit<GatherOptions, 'bus'>) => Promise<Gathered>
  /** Tasks that can be done here, as sentences near these words. */
  readonly suggest: (task: AgentTask) => readonly string[]
}

export interface Solved {
  readonly solution: Solution
  readonly model: string
  readonly spent: Spent
  /** What the model's prompt had besides the task; absent: an earlier attempt asked it. */
  readonly context?: PackedContext & { readonly missing: readonly string[] }
}

/** No model found a solution; the usage is reported all the same. */
export interface Unsolved {
  readonly error: DeedError
  readonly spent: Spent
}

/**
 * @returns the checked solution, or the reason why there is none
 * @throws the abort reason of `signal`; errors of PostgreSQL
 */
export async function solveTask(
  dependencies: SolveDependencies,
  work: WorkSolve,
  trace: Trace,
  signal: AbortSignal,
): Promise<Solved | Unsolved> {
  const { store, world, models: settings } = dependencies
  const { task, tenant, task_id: taskId, token } = work
  // An outage of the model server says nothing about the task, so it is kept out of the prompt.
  const earlierErrors = work.earlier_errors.filter(({ code }) => code !== 'model_failed')
  const questionHash = hashJson({ task, earlier_errors: earlierErrors })
  const earlier = await callsOfTask(store, tenant, taskId)
  const spent: Spent = { tokens: 0, microusd: 0, costUnknown: false }
  for (const call of earlier) if (call.token === token) add(spent, call)
  for (const call of earlier.toReversed()) {
    const kept = call.questionHash === questionHash ? Solution.safeParse(call.solution) : undefined
    if (kept?.success) return { solution: kept.data, model: call.model, spent }
  }

  const tries: Tries = { models: [], calls: earlier.at(-1)?.number ?? 0, overBudget: 0, skipped: 0, troubles: [] }
  const kinds = kindsFor(task, world)
  const schema = schemaFor(kinds, world)
  const { items, missing } = await dependencies.gather(work, { earlier, trace, signal })
  const room = CONTEXT_TOKENS_MAX - tokensOf(JSON.stringify([promptFor(task, earlierErrors, world, kinds), schema]))
  const context = { ...packContext(items, Math.min(room, KNOWN_TOKENS_MAX)), missing }
  const sources = context.items.map(({ source }) => source)
  const untrusted = untrustedSources(task, earlierErrors, sources)
  const calls: Calls = {
    ...dependencies,
    ...{ work, questionHash, category: categoryOf(task), trace, spent },
    prices: settings.prices,
    budgets: [
      ...budgetsOf(work, settings.budget_usd_per_day, new Date()),
      ...(await departmentBudgets(store, tenant, work.requested_by)),
    ],
    schema,
    read: (answer) => readAnswer(answer, task, world, untrusted),
  }
  tries.models = await usableModels(dependencies, work, tries.troubles, signal)
  const messages = promptFor(task, earlierErrors, world, kinds, context.items)
  const solved = await askModels(dependencies, calls, tries, messages, signal)
  return solved ? { ...solved, context } : { spent, error: whyUnsolved(tries, () => dependencies.suggest(task)) }
}

/** @returns none where there is none to ask; `troubles` says why then */
async function usableModels(
  { store, offered, models: settings, log }: SolveDependencies,
  { task, tenant, task_id, execution_id }: WorkSolve,
  troubles: string[],
  signal: AbortSignal,
): Promise<OfferedModel[]> {
  const [list, records] = await Promise.all([offered.list(signal), readModelRecords(store, tenant)])
  signal.throwIfAborted()
  const category = categoryOf(task)
  const found = chooseModels(list.models, settings, category, records)
  if (found.length > 0) {
    const models = found.map(({ model, score, success }) => ({ model: model.name, score, success }))
    log.info({ execution_id, task_id, category, models }, 'models chosen')
    return found.map(({ model }) => model)
  }
  if (list.troubles.length > 0) troubles.push(...list.troubles)
  else troubles.push('the model server has no model that may be asked; pull one, as with: ollama pull qwen3')
  return []
}

/** Asks one model after the other, each once more with what was wrong with its first answer. */
async function askModels(
  { breaker, models: settings, log }: SolveDependencies,
  calls: Calls,
  tries: Tries,
  prompt: readonly ChatMessage[],
  signal: AbortSignal,
): Promise<Solved | undefined> {
  const { execution_id, task_id, token } = calls.work
  const callMsMax = settings.default_timeout_seconds * 1_000
  const deadline = performance.now() + callMsMax * CALLS_TIME_FACTOR
  for (const [index, offer] of tries.models.entries()) {
    const model = offer.name
    if (!breaker.mayAsk(model, performance.now())) {
      tries.skipped++
      tries.troubles.push(`${model} has failed several times and is skipped for a while`)
      continue
    }
    let messages = prompt
    for (let attempt = 1; attempt <= TRIES_PER_MODEL; attempt++) {
      const leftMs = deadline - performance.now()
      if (tries.calls >= CALLS_MAX || leftMs <= 0) return undefined
      // Each model has an equal share of what is left, so one that hangs leaves time for the others.
      const limitMs = Math.min(leftMs / (tries.models.length - index), callMsMax)
      const limit = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(limitMs))])
      const call = { model: offer, number: tries.calls + 1, messages, signal: limit }
      const called = await callModel(calls, call).catch((error: unknown) => {
        if (error instanceof DeedError && error.code === 'budget_exceeded') return error
        throw error
      })
      if (called instanceof DeedError) {
        tries.overBudget++
        tries.troubles.push(`${model}: ${called.message}`)
        break
      }
      tries.calls++
      if ('solution' in called) return { solution: called.solution, model, spent: calls.spent }
      const { problem, answer, pauseMs } = called
      if (answer === undefined) signal.throwIfAborted()
      log.warn({ execution_id, task_id, attempt: token, model, problem }, 'a model had no usable answer')
      tries.troubles.push(`${model}: ${problem}`)
      if (answer === undefined) {
        breaker.failed(model, performance.now(), pauseMs)
        break
      }
      messages = repairPrompt(messages, answer, problem)
    }
  }
  return undefined
}

/** Every budget that the call must fit: the request's and the tenant's daily budget. */
function budgetsOf({ budget_microusd, execution_id }: WorkSolve, dayUsdMax: number | undefined, now: Date): Budget[] {
  return [
    ...(budget_microusd === undefined ? [] : [{ scope: `execution:${execution_id}`, microusd: budget_microusd }]),
    ...(dayUsdMax === undefined
      ? []
      : [{ scope: `day:${now.toISOString().slice(0, 10)}`, microusd: Math.floor(dayUsdMax * 1_000_000) }]),
  ]
}
