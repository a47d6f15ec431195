/**
 * Solving with models: one is asked, its answer is checked, a bad one may be repaired once, then the next is asked.
 *
 * Every call is a row before it is made. A task that is handed out again finds the answer that was good, and asks nobody.
 */
import { hashJson } from '@deed/mesh/canonical-json'
import { Solution, type WorkSolve } from '@deed/proto/agent'
import { DeedError } from '@deed/proto/errors'
import type { Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'
import { redact } from '@deed/telemetry/redact'
import { chooseModels } from './models/choose-models.ts'
import type { CircuitBreaker } from './models/circuit-breaker.ts'
import type { ModelServer } from './models/ollama.ts'
import { promptFor, repairPrompt } from './models/prompt.ts'
import { ANSWER_SCHEMA, readAnswer } from './models/read-answer.ts'
import { untrustedSources } from './models/untrusted-sources.ts'
import type { World } from './rules/vocabulary.ts'
import { beginCall, callsOfTask, endCall } from './store/model-calls.ts'

/** For one task, over all its attempts: what was asked so often is not for these models. */
const CALLS_MAX = 20
/** The first answer, and one repair. */
const TRIES_PER_MODEL = 2
/** All calls of an attempt together take at most so many times the limit of one. */
const CALLS_TIME_FACTOR = 2
const PROBLEM_CHARS_MAX = 2_000

export interface SolveDependencies {
  readonly store: Pick<Store<unknown>, 'query'>
  readonly server: ModelServer
  readonly breaker: CircuitBreaker
  readonly world: World
  readonly preferred: readonly string[]
  /** For one call. */
  readonly callMsMax: number
  readonly log: Log
}

export interface Solved {
  readonly solution: Solution
  readonly model: string
  /** Of the calls that this attempt made. */
  readonly tokens: number
}

/** No model had an answer; what was spent on trying is told all the same. */
export interface Unsolved {
  readonly error: DeedError
  readonly tokens: number
}

/**
 * @returns the solution, checked; or why there is none
 * @throws what `signal` was aborted with; what PostgreSQL throws
 */
export async function solveTask(
  { store, server, breaker, world, preferred, callMsMax, log }: SolveDependencies,
  work: WorkSolve,
  signal: AbortSignal,
): Promise<Solved | Unsolved> {
  const { task, earlier_errors, tenant, task_id: taskId, execution_id: executionId, token } = work
  const questionHash = hashJson({ task, earlier_errors })
  const earlier = await callsOfTask(store, tenant, taskId)
  let tokens = earlier.filter((call) => call.token === token).reduce((sum, call) => sum + call.tokens, 0)
  for (const call of earlier.toReversed()) {
    const kept = call.questionHash === questionHash ? Solution.safeParse(call.solution) : undefined
    if (kept?.success) return { solution: kept.data, model: call.model, tokens }
  }

  const untrusted = untrustedSources(task, earlier_errors)
  const troubles: string[] = []
  const models = await usableModels(troubles)
  const deadline = performance.now() + callMsMax * CALLS_TIME_FACTOR
  let number = earlier.at(-1)?.number ?? 0
  for (const model of models) {
    if (!breaker.mayAsk(model, performance.now())) {
      troubles.push(`${model} has failed several times and is left alone for a while`)
      continue
    }
    let messages = promptFor(task, earlier_errors, world)
    for (let attempt = 1; attempt <= TRIES_PER_MODEL; attempt++) {
      const leftMs = deadline - performance.now()
      if (number >= CALLS_MAX || leftMs <= 0) return unsolved()
      const id = { tenant, taskId, number: ++number }
      if (!(await beginCall(store, id, { executionId, token, questionHash, model }))) {
        throw new DeedError('lease_lost', 'another attempt asks a model for this task')
      }
      const started = performance.now()
      const limit = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(Math.min(leftMs, callMsMax)))])
      const spent = { promptTokens: 0, answerTokens: 0 }
      let problem: string
      try {
        const answer = await server.ask(model, messages, ANSWER_SCHEMA, limit)
        spent.promptTokens = answer.promptTokens
        spent.answerTokens = answer.answerTokens
        tokens += answer.promptTokens + answer.answerTokens
        const read = readAnswer(answer.text, task, world, untrusted)
        if ('solution' in read) {
          breaker.succeeded(model)
          await endCall(store, id, {
            status: 'solved',
            solution: read.solution,
            ...spent,
            durationMs: performance.now() - started,
          })
          return { solution: read.solution, model, tokens }
        }
        problem = redact(read.problem).slice(0, PROBLEM_CHARS_MAX)
        messages = repairPrompt(messages, answer.text, problem)
        await endCall(store, id, { status: 'refused', problem, ...spent, durationMs: performance.now() - started })
      } catch (error) {
        if (!(error instanceof DeedError) || error.code !== 'model_failed') throw error
        problem = redact(error.message).slice(0, PROBLEM_CHARS_MAX)
        await endCall(store, id, { status: 'failed', problem, ...spent, durationMs: performance.now() - started })
        signal.throwIfAborted()
        attempt = TRIES_PER_MODEL
      }
      log.warn({ execution_id: executionId, model, problem }, 'a model had no usable answer')
      troubles.push(`${model}: ${problem}`)
      if (attempt === TRIES_PER_MODEL) breaker.failed(model, performance.now())
    }
  }
  return unsolved()

  async function usableModels(into: string[]): Promise<string[]> {
    try {
      const found = chooseModels(await server.list(signal), preferred, task)
      if (found.length === 0) into.push('the model server has no model; pull one, as with: ollama pull qwen3')
      return found
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof DeedError)) throw error
      into.push(`no model server can be reached (${error.message}); start Ollama, or set OLLAMA_HOST`)
      return []
    }
  }

  function unsolved(): Unsolved {
    const why = troubles.length === 0 ? `models were asked ${number} times for it` : troubles.join('; ')
    const message = `no rule knows this task, and no model solved it: ${why}. Say it in other words, or in smaller steps`
    return { tokens, error: new DeedError('no_solution', message.slice(0, 4_000), { path: '$.task' }) }
  }
}
