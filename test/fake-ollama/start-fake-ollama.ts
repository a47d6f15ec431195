/**
 * A model server that speaks Ollama's protocol over real HTTP and answers as it is told: for tests that need a model
 * that is right, wrong, slow or broken on purpose.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

/** A question as it came in. */
export interface ModelCall {
  readonly path: string
  readonly model: string
  readonly messages: readonly { readonly role: string; readonly content: string }[]
  readonly format: unknown
  readonly stream: boolean
}

/** A text (or a value, sent as JSON), or a fault. */
export type FakeAnswer =
  | string
  | { readonly json: unknown; readonly promptTokens?: number; readonly answerTokens?: number }
  | { readonly fault: 'hang' | 'error' | 'invalid_json' | 'cut' | 'length' }
  /** An answer without end, until so many bytes are sent. */
  | { readonly fault: 'huge'; readonly bytes: number }
  | { readonly slowMs: number; readonly text: string }
  /** With its thinking in a field of its own, and tool calls in place of a text. */
  | { readonly text: string; readonly thinking?: string; readonly calls?: readonly FakeToolCall[] }

export interface FakeToolCall {
  readonly name: string
  readonly arguments: Readonly<Record<string, unknown>>
}

export interface FakeOllamaOptions {
  /** Default: `fake:latest`. */
  readonly models?: readonly string[]
  readonly answer: (call: ModelCall, index: number) => FakeAnswer | Promise<FakeAnswer>
  /** Vectors for texts, sent as they are; `hang` or `cut` as in answers. Default: the model does not embed. */
  readonly embed?: (texts: readonly string[], index: number) => unknown
  /** Default: a free one. */
  readonly port?: number
}

export interface FakeOllama extends AsyncDisposable {
  readonly url: string
  /** Chats and generations, in their order. */
  readonly calls: readonly ModelCall[]
  /** The texts of each request for vectors, in their order. */
  readonly embedded: readonly (readonly string[])[]
  /** Another build of each model from now on: its vectors mean something else. */
  rebuild(): void
}

const PROMPT_TOKENS = 11
const ANSWER_TOKENS = 7

/** Listens on 127.0.0.1. Disposing ends it and every answer that is still under way. */
export async function startFakeOllama({
  models = ['fake:latest'],
  answer,
  embed,
  port = 0,
}: FakeOllamaOptions): Promise<FakeOllama> {
  const calls: ModelCall[] = []
  const embedded: string[][] = []
  let build = 'f'
  const server = createServer((request, response) => {
    void respond(request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ error: String(error) }))
    })
  })

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? '').split('?')[0] ?? ''
    if (path === '/') return void response.end('Ollama is running')
    if (path === '/api/version') return send(response, { version: '0.12.0' })
    if (path === '/api/tags') return send(response, { models: models.map((name) => modelEntry(name, build)) })
    if (path === '/api/ps') return send(response, { models: models.slice(0, 1).map((name) => modelEntry(name, build)) })
    const body = (await json(request)) as Record<string, unknown>
    const model = String(body.model ?? body.name ?? '')
    if (!models.includes(model)) return send(response, { error: `model '${model}' not found` }, 404)
    if (path === '/api/show') {
      return send(response, {
        details: details(),
        model_info: {},
        capabilities: ['completion'],
        modified_at: MODIFIED_AT,
      })
    }
    if (path === '/api/embed') {
      if (!embed) return send(response, { error: 'this model does not support embeddings' }, 400)
      const texts = [body.input].flat().map(String)
      embedded.push(texts)
      const embeddings = await embed(texts, embedded.length - 1)
      if (embeddings === 'hang') return
      if (embeddings !== 'cut') return send(response, { model, embeddings, total_duration: 1, load_duration: 1 })
      response.writeHead(200, { 'content-type': 'application/json' })
      return void response.write('{"embeddings": [[0.1,', () => response.destroy())
    }
    if (path !== '/api/chat' && path !== '/api/generate') return send(response, { error: 'not found' }, 404)
    const messages = (body.messages as ModelCall['messages'] | undefined) ?? [
      { role: 'user', content: String(body.prompt ?? '') },
    ]
    const call: ModelCall = { path, model, messages, format: body.format, stream: body.stream !== false }
    calls.push(call)
    await tell(response, call, await answer(call, calls.length - 1))
  }

  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const { port: listening } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${listening}`,
    calls,
    embedded,
    rebuild() {
      build = String.fromCharCode(build.charCodeAt(0) - 1)
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function tell(response: ServerResponse, call: ModelCall, answer: FakeAnswer): Promise<void> {
  if (typeof answer === 'object' && 'fault' in answer) {
    switch (answer.fault) {
      case 'hang':
        // The connection stays open until the caller or the server ends it.
        return
      case 'error':
        return send(response, { error: 'llama runner process has terminated' }, 500)
      case 'invalid_json':
        response.writeHead(200, { 'content-type': 'application/x-ndjson' })
        return void response.end('{"model": broken\n')
      case 'cut':
        response.writeHead(200, { 'content-type': 'application/x-ndjson' })
        response.write(line(call, '{"act', undefined), () => response.destroy())
        return
      case 'length':
        return stream(response, call, ['{"actions": [{"kind": "file'], { done_reason: 'length' })
      case 'huge':
        return flood(response, call, answer.bytes)
    }
  }
  if (typeof answer === 'object' && 'slowMs' in answer) await sleep(answer.slowMs)
  const text = typeof answer === 'string' ? answer : 'text' in answer ? answer.text : JSON.stringify(answer.json)
  const counts =
    typeof answer === 'object' && 'json' in answer
      ? { prompt_eval_count: answer.promptTokens ?? PROMPT_TOKENS, eval_count: answer.answerTokens ?? ANSWER_TOKENS }
      : {}
  if (call.stream && typeof answer === 'object' && ('thinking' in answer || 'calls' in answer)) {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    response.write(line(call, '', undefined, { thinking: answer.thinking ?? '' }))
    const calls = (answer.calls ?? []).map((called) => ({ function: called }))
    response.write(line(call, text, undefined, calls.length === 0 ? {} : { tool_calls: calls }))
    return void response.end(line(call, '', counts))
  }
  if (call.stream) return stream(response, call, text.match(/[\s\S]{1,20}/g) ?? [''], counts)
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(line(call, text, counts))
}

function stream(response: ServerResponse, call: ModelCall, parts: readonly string[], last: object): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  for (const part of parts) response.write(line(call, part, undefined))
  response.end(line(call, '', last))
}

async function flood(response: ServerResponse, call: ModelCall, bytes: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  response.setMaxListeners(0)
  const part = line(call, 'x'.repeat(65_536), undefined)
  for (let sent = 0; sent < bytes && !response.destroyed; sent += part.length) {
    // Drained, or closed by a reader that has had enough.
    if (!response.write(part))
      await new Promise<void>((resolve) => response.once('drain', resolve).once('close', resolve))
  }
  response.end()
}

/** A line of the protocol; the last one of an answer has the counts. */
function line({ path, model }: ModelCall, text: string, last: object | undefined, more: object = {}): string {
  const content = path === '/api/chat' ? { message: { role: 'assistant', content: text, ...more } } : { response: text }
  const end =
    last === undefined
      ? { done: false }
      : {
          done: true,
          done_reason: 'stop',
          total_duration: 5_000_000,
          load_duration: 1_000_000,
          prompt_eval_count: PROMPT_TOKENS,
          prompt_eval_duration: 1_000_000,
          eval_count: ANSWER_TOKENS,
          eval_duration: 2_000_000,
          ...last,
        }
  return `${JSON.stringify({ model, created_at: new Date().toISOString(), ...content, ...end })}\n`
}

function send(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
  response.end(JSON.stringify(body))
}

const MODIFIED_AT = '2025-01-01T00:00:00Z'

function modelEntry(name: string, build: string): object {
  return {
    name,
    model: name,
    modified_at: MODIFIED_AT,
    size: 4_000_000_000,
    digest: build.repeat(64),
    details: details(),
  }
}

function details(): object {
  return {
    parent_model: '',
    format: 'gguf',
    family: 'fake',
    families: ['fake'],
    parameter_size: '7B',
    quantization_level: 'Q4_K_M',
  }
}
