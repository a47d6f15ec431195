/** A model server that speaks Ollama's protocol, and answers every question as it is told to: mostly wrong. */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export const WAYS_TO_FAIL = ['hangs', 'fails', 'stammers', 'breaks off', 'never ends', 'makes things up'] as const
export type WayToFail = (typeof WAYS_TO_FAIL)[number]

export interface BrokenModelServer extends AsyncDisposable {
  readonly url: string
  /** How it answers from now on: a way to fail, or with a text. */
  answer: { fails: WayToFail } | { text: string }
}

const MODEL = 'broken:latest'

export async function openBrokenModelServer(): Promise<BrokenModelServer> {
  const server = createServer((request, response) => {
    request.resume()
    if (request.url !== '/api/chat')
      return send(response, `${JSON.stringify({ models: [{ name: MODEL, model: MODEL, size: 1 }] })}\n`)
    const { answer } = opened
    if ('text' in answer) return send(response, piece(answer.text, true))
    FAIL[answer.fails](response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const opened: BrokenModelServer = {
    url: `http://127.0.0.1:${port}`,
    answer: { fails: 'fails' },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return opened
}

const FAIL: Record<WayToFail, (response: ServerResponse) => void> = {
  hangs: () => undefined,
  fails: (response) => send(response, '{"error":"the runner has died"}', 500),
  stammers: (response) => send(response, '{"model": bro\n'),
  'breaks off': (response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    response.write(piece('{"act', false), () => response.destroy())
  },
  'never ends': (response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    const more = (): void => {
      while (!response.destroyed && response.write(piece('x'.repeat(8_000), false)));
      if (!response.destroyed) response.once('drain', more)
    }
    more()
  },
  'makes things up': (response) =>
    send(response, piece(JSON.stringify({ actions: [{ kind: 'world.save', input: {} }] }), true)),
}

function send(response: ServerResponse, text: string, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/x-ndjson' }).end(text)
}

const piece = (content: string, done: boolean): string =>
  `${JSON.stringify({ model: MODEL, message: { role: 'assistant', content }, done, ...(done ? { done_reason: 'stop', prompt_eval_count: 1, eval_count: 1 } : {}) })}\n`
