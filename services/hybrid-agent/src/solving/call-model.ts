/** One call to a model: reserved in the budgets and stored before it is made, stored with its answer and cost after it. */
import type { Solution, WorkSolve } from '@deed/proto/agent'
import { DeedError } from '@deed/proto/errors'
import type { ModelCategory } from '@deed/proto/model'
import type { Store } from '@deed/store/database'
import { count, observe } from '@deed/telemetry/metrics'
import { redact } from '@deed/telemetry/redact'
import type { Trace } from '@deed/telemetry/trace-context'
import { traceChat } from '../models/chat-span.ts'
import type { CircuitBreaker } from '../models/circuit-breaker.ts'
import type { ModelAnswer, OfferedModel } from '../models/model-provider.ts'
import type { OfferedModels } from '../models/offered-models.ts'
import {
  ANSWER_TOKENS_MAX,
  chargeFor,
  costMax,
  PROMPT_TOKENS_MAX,
  type Prices,
  promptTokensMax,
  type Usage,
  usageOfFailed,
} from '../models/price-of.ts'
import type { ChatMessage } from '../models/prompt.ts'
import type { Read } from '../models/read-answer.ts'
import { type Budget, beginCall, type CallOutcome, endCall } from '../store/model-calls.ts'

const PROBLEM_CHARS_MAX = 2_000
const TOO_LONG = `the answer was cut after ${ANSWER_TOKENS_MAX} tokens; answer with a smaller plan: fewer actions, shorter texts`

/** Usage of this attempt's calls. */
export interface Spent {
  tokens: number
  microusd: number
  costUnknown: boolean
}

/** What all calls of an attempt have in common. */
export interface Calls {
  readonly store: Pick<Store<unknown>, 'query'>
  readonly offered: Pick<OfferedModels, 'ask'>
  readonly breaker: CircuitBreaker
  readonly prices: Prices
  readonly work: WorkSolve
  readonly questionHash: string
  readonly category: ModelCategory
  readonly budgets: readonly Budget[]
  readonly schema: object
  readonly read: (answer: ModelAnswer) => Read
  readonly trace: Trace
  /** Each call adds to it. */
  readonly spent: Spent
}

export interface Call {
  readonly model: OfferedModel
  /** Of the task's calls, from 1. */
  readonly number: number
  readonly messages: readonly ChatMessage[]
  readonly signal: AbortSignal
}

/** `answer` is absent if the call failed; `pauseMs` is how long the provider wants not to be asked then. */
export type Called =
  | { readonly solution: Solution }
  | { readonly problem: string; readonly answer?: string; readonly pauseMs?: number | undefined }

/**
 * @throws {DeedError} `budget_exceeded` if the call may cost more than is left; `lease_lost` if another attempt makes it
 */
export async function callModel(calls: Calls, call: Call): Promise<Called> {
  const { offered, breaker, schema, read, trace } = calls
  const { model, messages, signal } = call
  await reserveCall(calls, call)
  const started = performance.now()
  let answer: ModelAnswer
  try {
    answer = await traceChat(trace, model, () => offered.ask({ model: model.name, messages, schema, signal }))
  } catch (error) {
    if (!(error instanceof DeedError) || error.code !== 'model_failed') throw error
    const problem = shortened(error.message)
    await finishCall(calls, call, usageOfFailed(error), started, { status: 'failed', problem })
    const pauseMs = error.details?.pause_ms
    return { problem, pauseMs: typeof pauseMs === 'number' ? pauseMs : undefined }
  }
  // Whatever the answer contains, the server works.
  breaker.succeeded(model.name)
  const found = answer.cut ? { problem: TOO_LONG } : read(answer)
  if ('solution' in found) {
    await finishCall(calls, call, answer.usage, started, { status: 'solved', solution: found.solution })
    return found
  }
  const problem = shortened(found.problem)
  await finishCall(calls, call, answer.usage, started, { status: 'refused', problem })
  return { problem, answer: answer.text }
}

const shortened = (problem: string): string => redact(problem).slice(0, PROBLEM_CHARS_MAX)

const promptMaxOf = ({ schema }: Calls, { model, messages }: Call): number =>
  model.provider === 'ollama' ? PROMPT_TOKENS_MAX : promptTokensMax(messages, schema)

async function reserveCall(calls: Calls, call: Call): Promise<void> {
  const { store, prices, work, questionHash, category, budgets } = calls
  const {
    number,
    model: { name: model },
  } = call
  const { tenant, task_id: taskId, execution_id: executionId, token } = work
  const reservedMicrousd = costMax(prices, model, promptMaxOf(calls, call))
  const reserved = { executionId, token, questionHash, model, category, reservedMicrousd, budgets }
  if (!(await beginCall(store, { tenant, taskId, number }, reserved)))
    throw new DeedError('lease_lost', 'another attempt asks a model for this task')
}

type Outcome =
  | Pick<CallOutcome & { status: 'solved' }, 'status' | 'solution'>
  | Pick<CallOutcome & { status: 'refused' | 'failed' }, 'status' | 'problem'>

async function finishCall(calls: Calls, call: Call, usage: Usage, started: number, outcome: Outcome): Promise<void> {
  const {
    store,
    prices,
    work: { tenant, task_id: taskId },
    spent,
  } = calls
  const {
    number,
    model: { name: model },
  } = call
  const { promptTokens, answerTokens } = usage
  const { microusd, unknown } = chargeFor(prices, model, usage, promptMaxOf(calls, call))
  // A call that produced nothing and costs nothing needs no cost report.
  const costUnknown = unknown && (microusd > 0 || outcome.status !== 'failed')
  const durationMs = performance.now() - started
  count('deed_model_calls_total', { model, outcome: outcome.status })
  observe('deed_model_call_duration_seconds', { model }, durationMs / 1_000)
  count('deed_model_tokens_total', { model, type: 'input' }, promptTokens)
  count('deed_model_tokens_total', { model, type: 'output' }, answerTokens)
  count('deed_model_cost_usd_total', { model }, microusd / 1_000_000)
  const ended = { ...outcome, promptTokens, answerTokens, microusd, costUnknown, durationMs }
  await endCall(store, { tenant, taskId, number }, ended)
  add(spent, { tokens: promptTokens + answerTokens, microusd, costUnknown })
}

export function add(sum: Spent, { tokens, microusd, costUnknown }: Spent): void {
  sum.tokens += tokens
  sum.microusd += microusd
  sum.costUnknown ||= costUnknown
}
