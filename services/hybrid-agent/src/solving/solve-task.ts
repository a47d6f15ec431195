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
import { redact } from '@deed/telemetry/redact'
import { chooseModels } from '../models/choose-models.ts'
import type { CircuitBreaker } from '../models/circuit-breaker.ts'
import { kindsFor } from '../models/kinds-for.ts'
import type { ModelServer } from '../models/ollama.ts'
import { ANSWER_TOKENS_MAX, chargeFor, costMax, type Usage, usageOfFailed } from '../models/price-of.ts'
import { promptFor, repairPrompt } from '../models/prompt.ts'
import { readAnswer, schemaFor } from '../models/read-answer.ts'
import { untrustedSources } from '../models/untrusted-sources.ts'
import type { World } from '../rules/vocabulary.ts'
import { type Budget, beginCall, type CallId, type CallOutcome, callsOfTask, endCall } from '../store/model-calls.ts'

/** Per task, over all its attempts: after so many calls the task is given up. */
const CALLS_MAX = 20
/** The first answer and one repair. */
const TRIES_PER_MODEL = 2
/** All calls of an attempt together take at most this many times the limit of one call. */
const CALLS_TIME_FACTOR = 2
const PROBLEM_CHARS_MAX = 2_000
const TOO_LONG = `the answer was cut after ${ANSWER_TOKENS_MAX} tokens; answer with a smaller plan: fewer actions, shorter texts`

export interface SolveDependencies {
  readonly store: Pick<Store<unknown>, 'query'>
  readonly server: ModelServer
  readonly breaker: CircuitBreaker
  readonly world: World
  readonly models: ExecutionConfig['models']
  readonly log: Log
  /** Tasks that can be done here, as sentences near these words. */
  readonly suggest: (task: AgentTask) => readonly string[]
}

/** Usage of this attempt's calls. */
export interface Spent {
  tokens: number
  microusd: number
  costUnknown: boolean
}

export interface Solved {
  readonly solution: Solution
  readonly model: string
  readonly spent: Spent
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
  { store, server, breaker, world, models: settings, log, suggest }: SolveDependencies,
  work: WorkSolve,
  signal: AbortSignal,
): Promise<Solved | Unsolved> {
  const { prices, budget_usd_per_day: dayUsdMax } = settings
  const callMsMax = settings.default_timeout_seconds * 1_000
  const { task, tenant, task_id: taskId, execution_id: executionId, token } = work
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

  const untrusted = untrustedSources(task, earlierErrors)
  const budgets = budgetsOf(work, dayUsdMax, new Date())
  const troubles: string[] = []
  let overBudget = 0
  let leftAlone = 0
  const kinds = kindsFor(task, world)
  const schema = schemaFor(kinds, world)
  const models = await usableModels(troubles)
  const deadline = performance.now() + callMsMax * CALLS_TIME_FACTOR
  let number = earlier.at(-1)?.number ?? 0
  for (const model of models) {
    if (!breaker.mayAsk(model, performance.now())) {
      leftAlone++
      troubles.push(`${model} has failed several times and is skipped for a while`)
      continue
    }
    let messages = promptFor(task, earlierErrors, world, kinds)
    for (let attempt = 1; attempt <= TRIES_PER_MODEL; attempt++) {
      const leftMs = deadline - performance.now()
      if (number >= CALLS_MAX || leftMs <= 0) return unsolved()
      const id = { tenant, taskId, number: ++number }
      const reservedMicrousd = costMax(prices, model)
      try {
        if (!(await beginCall(store, id, { executionId, token, questionHash, model, reservedMicrousd, budgets }))) {
          throw new DeedError('lease_lost', 'another attempt asks a model for this task')
        }
      } catch (error) {
        if (!(error instanceof DeedError) || error.code !== 'budget_exceeded') throw error
        overBudget++
        number--
        troubles.push(`${model}: ${error.message}`)
        break
      }
      const started = performance.now()
      const limit = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(Math.min(leftMs, callMsMax)))])
      let problem: string
      try {
        const answer = await server.ask(model, messages, schema, limit)
        // Whatever the answer contains, the server works.
        breaker.succeeded(model)
        const read = answer.cut ? { problem: TOO_LONG } : readAnswer(answer, task, world, untrusted)
        if ('solution' in read) {
          await finishCall(id, model, answer.usage, started, { status: 'solved', solution: read.solution })
          return { solution: read.solution, model, spent }
        }
        problem = redact(read.problem).slice(0, PROBLEM_CHARS_MAX)
        messages = repairPrompt(messages, answer.text, problem)
        await finishCall(id, model, answer.usage, started, { status: 'refused', problem })
      } catch (error) {
        if (!(error instanceof DeedError) || error.code !== 'model_failed') throw error
        problem = redact(error.message).slice(0, PROBLEM_CHARS_MAX)
        await finishCall(id, model, usageOfFailed(error), started, { status: 'failed', problem })
        signal.throwIfAborted()
        attempt = TRIES_PER_MODEL
        breaker.failed(model, performance.now())
      }
      log.warn({ execution_id: executionId, model, problem }, 'a model had no usable answer')
      troubles.push(`${model}: ${problem}`)
    }
  }
  return unsolved()

  async function finishCall(id: CallId, model: string, usage: Usage, started: number, outcome: Outcome): Promise<void> {
    const { promptTokens, answerTokens } = usage
    const { microusd, unknown } = chargeFor(prices, model, usage)
    // A call that produced nothing and costs nothing needs no cost report.
    const costUnknown = unknown && (microusd > 0 || outcome.status !== 'failed')
    const durationMs = performance.now() - started
    await endCall(store, id, { ...outcome, promptTokens, answerTokens, microusd, costUnknown, durationMs })
    add(spent, { tokens: promptTokens + answerTokens, microusd, costUnknown })
  }

  async function usableModels(into: string[]): Promise<string[]> {
    try {
      const found = chooseModels(await server.list(signal), settings, task)
      if (found.length === 0)
        into.push('the model server has no model that may be asked; pull one, as with: ollama pull qwen3')
      return found
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof DeedError)) throw error
      into.push(`no model server can be reached: ${error.message}`)
      return []
    }
  }

  function unsolved(): Unsolved {
    if (overBudget > 0 && overBudget === troubles.length) {
      const message = 'no rule knows this task, and a model call may cost more than the remaining budget'
      return { spent, error: new DeedError('budget_exceeded', `${message}; raise budget_usd, or ask again tomorrow`) }
    }
    if (leftAlone > 0) {
      // The server may return soon; the task is retried with backoff.
      return {
        spent,
        error: new DeedError('model_failed', `waiting for a model: ${troubles.join('; ')}`.slice(0, 4_000)),
      }
    }
    if (models.length === 0) return { spent, error: notUnderstood(suggest(task), troubles) }
    const why = troubles.length === 0 ? `models were asked ${number} times for it` : troubles.join('; ')
    const message = `no rule knows this task, and no model solved it: ${why}. Rephrase it, or split it into smaller steps`
    return { spent, error: new DeedError('no_solution', message.slice(0, 4_000), { path: '$.task' }) }
  }
}

/** No rule knows the words, and there is no model to ask. */
function notUnderstood(suggestions: readonly string[], troubles: readonly string[]): DeedError {
  const examples = suggestions.length === 0 ? '' : ` Try: ${suggestions.map((one) => JSON.stringify(one)).join(', ')}.`
  return new DeedError(
    'not_understood',
    `nobody here understands these words.${examples} To use a model: start Ollama, or set models.ollama_host (${troubles.join('; ')})`.slice(
      0,
      4_000,
    ),
    { path: '$.task', details: { suggestions: [...suggestions] } },
  )
}

type Outcome =
  | Pick<CallOutcome & { status: 'solved' }, 'status' | 'solution'>
  | Pick<CallOutcome & { status: 'refused' | 'failed' }, 'status' | 'problem'>

function add(sum: Spent, { tokens, microusd, costUnknown }: Spent): void {
  sum.tokens += tokens
  sum.microusd += microusd
  sum.costUnknown ||= costUnknown
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
