/** A local model server, called through Ollama's own client. */
import { DeedError } from '@deed/proto/errors'
import { defined, type Json } from '@deed/proto/json'
import { Ollama } from 'ollama'
import { boundedFetch, named } from './bounded-fetch.ts'
import type { ToolCall } from './find-plan.ts'
import type { ModelProvider } from './model-provider.ts'
import { ANSWER_TOKENS_MAX, PROMPT_TOKENS_MAX, usageOf } from './price-of.ts'

const LIST_MS_MAX = 5_000

export function ollamaServer(host: string | undefined): ModelProvider {
  const client = (signal: AbortSignal): Ollama => new Ollama({ ...defined({ host }), fetch: fetchLines(signal) })
  return {
    list: (signal) =>
      named(async () => {
        const { models } = await client(AbortSignal.any([signal, AbortSignal.timeout(LIST_MS_MAX)])).list()
        return models.map(({ name, size }) => ({ name, provider: 'ollama', bytes: size }))
      }),
    ask: ({ model, messages, schema, signal }) =>
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
          // Ollama omits the count of a prompt that was cached.
          const usage = usageOf(part.prompt_eval_count ?? 0, part.eval_count, PROMPT_TOKENS_MAX)
          return { text, thinking, calls, usage, ...(part.done_reason === 'length' ? { cut: true } : {}) }
        }
        throw new DeedError('model_failed', `${model} stopped in the middle of its answer`)
      }),
  }
}

/** A fetch for the client, which would wait and read without limits and print lines that it cannot parse. */
function fetchLines(signal: AbortSignal): typeof fetch {
  const bounded = boundedFetch(signal)
  return async (input, init) => {
    const { body, status, headers } = await bounded(input, init)
    return new Response(body?.pipeThrough(jsonLines()) ?? null, { status, headers })
  }
}

/** Passes whole lines of JSON. */
function jsonLines(): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder()
  const encoder = new TextEncoder()
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
      const lines = (open + decoder.decode(chunk, { stream: true })).split('\n')
      open = lines.pop() ?? ''
      for (const line of lines) pass(line, controller)
    },
    flush: (controller) => pass(open + decoder.decode(), controller),
  })
}
