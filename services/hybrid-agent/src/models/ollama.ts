/** A local model server, called through Ollama's own client, with a deadline and a limit on the response size. */
import { DeedError } from '@deed/proto/errors'
import { defined, type Json } from '@deed/proto/json'
import { Ollama } from 'ollama'
import type { ModelText, ToolCall } from './find-plan.ts'
import { ANSWER_TOKENS_MAX, PROMPT_TOKENS_MAX, type Usage, usageOf } from './price-of.ts'
import type { ChatMessage } from './prompt.ts'

export interface LocalModel {
  readonly name: string
  /** Size of the weights. */
  readonly bytes: number
}

export interface ModelAnswer extends ModelText {
  /** The answer reached the token limit, so it is incomplete. */
  readonly cut?: true
  readonly usage: Usage
}

export interface ModelServer {
  /** @throws {DeedError} model_failed if the server cannot be reached */
  list(signal: AbortSignal): Promise<LocalModel[]>
  /** @throws {DeedError} model_failed with the cause; `signal` aborts the call at once */
  ask(model: string, messages: readonly ChatMessage[], schema: object, signal: AbortSignal): Promise<ModelAnswer>
}

/** Bounds a model that never stops writing. */
const RESPONSE_BYTES_MAX = 4 * 1024 * 1024
const LIST_MS_MAX = 5_000

export function ollamaServer(host: string | undefined): ModelServer {
  const client = (signal: AbortSignal): Ollama => new Ollama({ ...defined({ host }), fetch: boundedFetch(signal) })
  return {
    list: (signal) =>
      named(async () => {
        const { models } = await client(AbortSignal.any([signal, AbortSignal.timeout(LIST_MS_MAX)])).list()
        return models.map(({ name, size }) => ({ name, bytes: size }))
      }),
    ask: (model, messages, schema, signal) =>
      named(async () => {
        const stream = await client(signal).chat({
          model,
          messages: [...messages],
          format: schema,
          stream: true,
          // Equal for all calls, or the server reloads the model; temperature 0, so that the same question gets the
          // same answer.
          options: { num_ctx: PROMPT_TOKENS_MAX, num_predict: ANSWER_TOKENS_MAX, temperature: 0 },
        })
        let text = ''
        let thinking = ''
        const calls: ToolCall[] = []
        for await (const part of stream) {
          text += part.message?.content ?? ''
          thinking += part.message?.thinking ?? ''
          for (const { function: called } of part.message?.tool_calls ?? []) {
            calls.push({ name: called.name, arguments: called.arguments as Json })
          }
          if (!part.done) continue
          const usage = usageOf(part.prompt_eval_count, part.eval_count)
          return { text, thinking, calls, usage, ...(part.done_reason === 'length' ? { cut: true } : {}) }
        }
        throw new DeedError('model_failed', `${model} stopped in the middle of its answer`)
      }),
  }
}

/** Replaces the client's fetch, which would wait and read without limits and print lines that it cannot parse. */
function boundedFetch(signal: AbortSignal): typeof fetch {
  return async (input, init = {}) => {
    const signals = init.signal ? [signal, init.signal] : [signal]
    const response = await fetch(input, { ...init, redirect: 'error', signal: AbortSignal.any(signals) }).catch(
      (error: unknown) => {
        // Aborted by the caller: the server may still be working on it.
        throw signals.some(({ aborted }) => aborted) ? error : failure(error, NOT_TAKEN_UP)
      },
    )
    if (!response.ok) {
      const text = (await response.text()).slice(0, 300)
      throw new DeedError('model_failed', `the model server answered ${response.status}: ${text}`, NOT_TAKEN_UP)
    }
    const body = response.body?.pipeThrough(boundedLines())
    return new Response(body ?? null, { status: response.status, headers: response.headers })
  }
}

/** Passes whole lines of JSON, up to the size limit. */
function boundedLines(): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder()
  const encoder = new TextEncoder()
  let bytes = 0
  let open = ''
  const pass = (line: string, controller: TransformStreamDefaultController<Uint8Array>): void => {
    if (line.trim() === '') return
    try {
      JSON.parse(line)
    } catch (cause) {
      throw new DeedError(
        'model_failed',
        'the model server sent a line that is not JSON; check that OLLAMA_HOST names an Ollama server',
        { cause },
      )
    }
    controller.enqueue(encoder.encode(`${line}\n`))
  }
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.length
      if (bytes > RESPONSE_BYTES_MAX)
        throw new DeedError('model_failed', `the model sent more than ${RESPONSE_BYTES_MAX} bytes`)
      const lines = (open + decoder.decode(chunk, { stream: true })).split('\n')
      open = lines.pop() ?? ''
      for (const line of lines) pass(line, controller)
    },
    flush: (controller) => pass(open + decoder.decode(), controller),
  })
}

/** The server did no work for the call. */
const NOT_TAKEN_UP = { details: { not_taken_up: true } }

/** Turns every failure of a call into a model_failed error with a readable message. */
async function named<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof DeedError ? error : failure(error)
  }
}

function failure(error: unknown, facts: Partial<typeof NOT_TAKEN_UP> = {}): DeedError {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : ''
  const message = error instanceof Error ? error.message : String(error)
  const late = error instanceof Error && error.name === 'TimeoutError'
  const reason = late ? 'the model did not answer in time' : `${message}${cause}`
  return new DeedError('model_failed', reason, { ...facts, cause: error })
}
