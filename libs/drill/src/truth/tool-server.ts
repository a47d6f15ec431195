/** An MCP server (Streamable HTTP) of notes that are kept here; each of its tools has a manner of its own. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { JsonObject } from '@deed/proto/json'

export interface ToolServer extends AsyncDisposable {
  readonly url: string
  note(name: string): string | undefined
  put(name: string, text: string): void
}

interface Call {
  notes: Map<string, string>
  name: string
  text: string
  count: number
}

interface Answer extends JsonObject {
  content: JsonObject[]
}

const said = (text: string, more: JsonObject = {}): Answer => ({ content: [{ type: 'text', text }], ...more })
const keep = ({ notes, name, text }: Call, kept = text): Answer => {
  notes.set(name, kept)
  return said(`kept ${name}`)
}

/** By the name of the tool. */
export const TOOLS: Record<string, (call: Call) => Answer | 'cut' | 'garbage'> = {
  keep: (call) => keep(call),
  keep_undoless: (call) => keep(call),
  keep_badly_undone: (call) => keep(call),
  keep_otherwise_undone: (call) => keep(call),
  spoil: ({ notes, name }) => {
    notes.set(name, 'spoiled')
    return said(`removed ${name}`)
  },
  remove: ({ notes, name }) => {
    notes.delete(name)
    return said(`removed ${name}`)
  },
  remove_nothing: ({ name }) => said(`removed ${name}`),
  claim: ({ name }) => said(`kept ${name}`),
  claim_structured: ({ name }) => said(`kept ${name}`, { structuredContent: { stored: true, name } }),
  half: (call) => keep(call, call.text.slice(0, call.text.length / 2)),
  other_text: (call) => keep(call, `${call.text}?`.toUpperCase()),
  other_name: (call) => keep({ ...call, name: `${call.name}x` }),
  back_again: (call) => {
    keep(call)
    call.notes.delete(call.name)
    return said(`kept ${call.name}`)
  },
  error_flag: () => said('the disk is full', { isError: true }),
  error_words: () => said('Error: the disk is full'),
  keeps_and_errs: (call) => ({ ...keep(call), isError: true }),
  cut: () => 'cut',
  keeps_and_cuts: (call) => {
    keep(call)
    return 'cut'
  },
  garbage: () => 'garbage',
  second_time: (call) => (call.count < 2 ? said(`kept ${call.name}`) : keep(call)),
  read: ({ notes, name }) => said(notes.get(name) ?? 'nothing'),
}

export async function openToolServer(): Promise<ToolServer> {
  const notes = new Map<string, string>()
  const counts = new Map<string, number>()
  const inputSchema = { type: 'object', properties: { name: { type: 'string' }, text: { type: 'string' } } }
  const server = createServer(async (request, response) => {
    if (request.method !== 'POST') {
      const note = notes.get(request.url?.split('/').at(-1) ?? '')
      return void response
        .writeHead(request.url?.startsWith('/notes/') ? (note === undefined ? 404 : 200) : 405)
        .end(note)
    }
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString())
    const answer = (result: object): void =>
      void response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ jsonrpc: '2.0', id, result }))
    if (id === undefined) return void response.writeHead(202).end()
    if (method === 'initialize')
      return answer({
        protocolVersion: params.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'notes', version: '1.0.0' },
      })
    if (method === 'tools/list')
      return answer({ tools: Object.keys(TOOLS).map((name) => ({ name, description: name, inputSchema })) })
    if (method !== 'tools/call') return answer({})
    const { name = '', text = '' } = params.arguments ?? {}
    const count = (counts.get(name) ?? 0) + 1
    counts.set(name, count)
    const given = TOOLS[params.name]?.({ notes, name, text, count }) ?? said('no such tool', { isError: true })
    if (given === 'cut') return void response.destroy()
    if (given === 'garbage')
      return void response.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc":')
    return answer(given)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    note: (name) => notes.get(name),
    put: (name, text) => void notes.set(name, text),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
