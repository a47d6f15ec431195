/**
 * A server that speaks the protocols of Anthropic, OpenAI, Google and OpenAI-compatible servers over real HTTP, streamed as
 * they stream, and answers as it is told: for tests that need an API that is right, wrong, slow or broken on purpose.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FakeAnswer } from '../fake-ollama/start-fake-ollama.ts'

export type FakeProvider = 'anthropic' | 'openai' | 'google' | 'openai-compatible'

/** A question as it came in. */
export interface ApiCall {
  readonly provider: FakeProvider
  readonly model: string
  /** As the provider's clients send it. */
  readonly key: string | undefined
  readonly body: Readonly<Record<string, unknown>>
}

/** Besides the answers of the fake Ollama: a refusal, a text whose usage is not what it should be, or one without its end. */
export type FakeApiAnswer =
  | FakeAnswer
  | { readonly unfinished: string }
  | { readonly status: number; readonly retryAfter?: string; readonly message?: string }
  | { readonly text: string; readonly usage: { readonly prompt: unknown; readonly answer: unknown } }

export interface FakeApis extends AsyncDisposable {
  /** The base addresses that the clients take. */
  readonly urls: Readonly<Record<FakeProvider, string>>
  readonly calls: readonly ApiCall[]
}

const PROMPT_TOKENS = 11
const ANSWER_TOKENS = 7

/** Listens on a free port of 127.0.0.1. Disposing ends it and every answer that is still under way. */
export async function startFakeApis(
  answer: (call: ApiCall, index: number) => FakeApiAnswer | Promise<FakeApiAnswer>,
): Promise<FakeApis> {
  const calls: ApiCall[] = []
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const call = await readCall(request)
    if (!call) return void response.writeHead(404).end()
    calls.push(call)
    await tell(response, call, await answer(call, calls.length - 1))
  }
  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => void response.destroy(error as Error))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    urls: {
      anthropic: `${url}/anthropic/v1`,
      openai: `${url}/openai/v1`,
      google: `${url}/google/v1beta`,
      'openai-compatible': `${url}/compatible/v1`,
    },
    calls,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const PATHS: Record<string, FakeProvider> = {
  '/anthropic/v1/messages': 'anthropic',
  '/openai/v1/responses': 'openai',
  '/compatible/v1/chat/completions': 'openai-compatible',
}

async function readCall(request: IncomingMessage): Promise<ApiCall | undefined> {
  const path = (request.url ?? '').split('?')[0] ?? ''
  const googles = /^\/google\/v1beta\/models\/(.+):streamGenerateContent$/.exec(path)
  const provider = googles ? 'google' : PATHS[path]
  if (!provider) return undefined
  const body = (await json(request)) as Record<string, unknown>
  const { headers } = request
  const key = headers['x-api-key'] ?? headers['x-goog-api-key'] ?? headers.authorization?.replace('Bearer ', '')
  return { provider, model: googles?.[1] ?? String(body.model), key: key as string | undefined, body }
}

async function tell(response: ServerResponse, call: ApiCall, answer: FakeApiAnswer): Promise<void> {
  if (typeof answer === 'string') return send(response, events(call, answer))
  if ('status' in answer) {
    const { status, retryAfter, message = 'no' } = answer
    const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    return void response.end(JSON.stringify({ type: 'error', error: { type: 'fake', message } }))
  }
  if ('fault' in answer) {
    switch (answer.fault) {
      case 'hang':
        // The connection stays open until the caller or the server ends it.
        return
      case 'error':
        response.writeHead(500, { 'content-type': 'application/json' })
        return void response.end(JSON.stringify({ error: { message: 'overloaded' } }))
      case 'invalid_json':
        return send(response, ['data: {"type": broken\n\n'])
      case 'cut': {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        const sent = beginning(events(call, '{"actions": [{"kind": "file')).join('')
        response.write(sent, () => response.destroy())
        return
      }
      case 'length':
        return send(response, events(call, '{"actions": [{"kind": "file', { cut: true }))
      case 'huge':
        return flood(response, call, answer.bytes)
    }
  }
  if ('unfinished' in answer) return send(response, beginning(events(call, answer.unfinished)))
  if ('slowMs' in answer) await sleep(answer.slowMs)
  if ('usage' in answer) return send(response, events(call, answer.text, answer.usage))
  if ('json' in answer) {
    const { json, promptTokens, answerTokens } = answer
    return send(response, events(call, JSON.stringify(json), { prompt: promptTokens, answer: answerTokens }))
  }
  return send(response, events(call, answer.text))
}

const ENDS = /"finish_?reason":"|"message_delta"|"response\.(?:completed|incomplete)"/i

/** Up to the text, without what ends the answer. */
const beginning = (all: readonly string[]): string[] =>
  all.slice(
    0,
    all.findIndex((event) => ENDS.test(event)),
  )

function send(response: ServerResponse, parts: readonly string[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const part of parts) response.write(part)
  response.end()
}

async function flood(response: ServerResponse, call: ApiCall, bytes: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.setMaxListeners(0)
  const all = events(call, 'x'.repeat(65_536))
  for (let sent = 0; sent < bytes && !response.destroyed; sent += 65_536) {
    // Drained, or closed by a reader that has had enough.
    if (!response.write(all.find((event) => event.includes('xxx')) ?? ''))
      await new Promise<void>((resolve) => response.once('drain', resolve).once('close', resolve))
  }
  response.end()
}

interface Last {
  readonly cut?: boolean
  readonly prompt?: unknown
  readonly answer?: unknown
}

/** The server-sent events of a whole answer; the last one ends it. */
function events({ provider, model }: ApiCall, text: string, last: Last = {}): string[] {
  const { cut = false, prompt = PROMPT_TOKENS, answer = ANSWER_TOKENS } = last
  const event = (data: object): string =>
    `${'type' in data ? `event: ${String(data.type)}\n` : ''}data: ${JSON.stringify(data)}\n\n`
  switch (provider) {
    case 'anthropic': {
      const message = { id: 'msg_1', type: 'message', role: 'assistant', model, content: [] }
      const usage = { input_tokens: prompt, output_tokens: 1 }
      return [
        { type: 'message_start', message: { ...message, stop_reason: null, stop_sequence: null, usage } },
        // A structured answer is the input of the one tool that the client offers.
        {
          type: 'content_block_start',
          index: 0,
          content_block: { type: 'tool_use', id: 'tool_1', name: 'json', input: {} },
        },
        { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: text } },
        { type: 'content_block_stop', index: 0 },
        {
          type: 'message_delta',
          delta: { stop_reason: cut ? 'max_tokens' : 'tool_use', stop_sequence: null },
          usage: { output_tokens: answer },
        },
        { type: 'message_stop' },
      ].map(event)
    }
    case 'openai': {
      const response = { id: 'resp_1', object: 'response', created_at: 1, model, output: [] }
      const item = { id: 'msg_1', type: 'message', role: 'assistant', status: 'completed' }
      const content = { type: 'output_text', text, annotations: [] }
      const usage = { input_tokens: prompt, output_tokens: answer }
      const details = cut ? { reason: 'max_output_tokens' } : null
      return [
        { type: 'response.created', response: { ...response, status: 'in_progress' } },
        { type: 'response.output_item.added', output_index: 0, item: { ...item, status: 'in_progress', content: [] } },
        { type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, content_index: 0, delta: text },
        { type: 'response.output_item.done', output_index: 0, item: { ...item, content: [content] } },
        {
          type: cut ? 'response.incomplete' : 'response.completed',
          response: { ...response, status: cut ? 'incomplete' : 'completed', incomplete_details: details, usage },
        },
      ].map(event)
    }
    case 'google': {
      const content = { role: 'model', parts: [{ text }] }
      const usage = { promptTokenCount: prompt, candidatesTokenCount: answer, totalTokenCount: 18 }
      return [
        { candidates: [{ content, index: 0 }], modelVersion: model },
        {
          candidates: [{ content: { role: 'model', parts: [] }, finishReason: cut ? 'MAX_TOKENS' : 'STOP', index: 0 }],
          usageMetadata: usage,
        },
      ].map(event)
    }
    case 'openai-compatible': {
      const chunk = { id: 'chat_1', object: 'chat.completion.chunk', created: 1, model }
      const usage = { prompt_tokens: prompt, completion_tokens: answer, total_tokens: 18 }
      const end = { index: 0, delta: {}, finish_reason: cut ? 'length' : 'stop' }
      return [
        event({ ...chunk, choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] }),
        event({ ...chunk, choices: [{ index: 0, delta: { content: text }, finish_reason: null }] }),
        event({ ...chunk, choices: [end] }),
        event({ ...chunk, choices: [], usage }),
        'data: [DONE]\n\n',
      ]
    }
  }
}
