/** A server of items that answers in the way its path asks for: `/<manner>/<name>`. What it has stored is read here. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface WorldServer extends AsyncDisposable {
  readonly url: string
  /** The body that is stored under the name. */
  stored(name: string): string | undefined
  store(name: string, body: string): void
  /** How often a change of the name was asked for. */
  changesOf(name: string): number
}

interface Change {
  name: string
  method: string
  body: string
  /** How many changes of this name were asked for, with this one. */
  count: number
  items: Map<string, string>
  response: ServerResponse
}

const store = ({ items, name, body, method }: Change): void => {
  if (method === 'DELETE') items.delete(name)
  else items.set(name, body)
}
const answer =
  (status: number, body = '{"ok":true}') =>
  ({ response }: Change): void =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(body)
const both =
  (...steps: ((change: Change) => void)[]) =>
  (change: Change): void => {
    for (const step of steps) step(change)
  }

/** What the server does when it is asked to change something. */
const MANNERS: Record<string, (change: Change) => void> = {
  honest: both(store, answer(200)),
  created: both(store, answer(201)),
  silent: both(store, answer(204, '')),
  accepted: both(store, answer(202)),
  nothing: answer(200),
  'created-nothing': answer(201),
  'accepted-nothing': answer(202),
  'no-content': answer(204, ''),
  'error-inside': answer(200, '{"ok":false,"error":"disk full"}'),
  html: answer(200, '<html>Please sign in</html>'),
  empty: answer(200, ''),
  half: (change) =>
    both(() => store({ ...change, body: change.body.slice(0, change.body.length / 2) }), answer(200))(change),
  upper: (change) => both(() => store({ ...change, body: change.body.toUpperCase() }), answer(200))(change),
  blank: (change) => both(() => store({ ...change, body: '' }), answer(200))(change),
  rounds: (change) =>
    both(() => store({ ...change, body: JSON.stringify(JSON.parse(change.body)) }), answer(200))(change),
  elsewhere: (change) => both(() => store({ ...change, name: `${change.name}-copy` }), answer(200))(change),
  reverts: both(store, ({ items, name }) => void items.delete(name), answer(200)),
  'stores-then-500': both(store, answer(500)),
  'stores-then-cut': both(store, ({ response }) => void response.destroy()),
  'cut-at-once': ({ response }) => void response.destroy(),
  'first-fails': (change) => (change.count === 1 ? answer(503)(change) : both(store, answer(200))(change)),
  'first-claims': (change) => (change.count === 1 ? answer(200) : both(store, answer(200)))(change),
  '500': answer(500),
  '403': answer(403),
  '409': answer(409),
  '429': answer(429),
  redirects: ({ response, name }) => void response.writeHead(302, { location: `/honest/${name}` }).end(),
  late: (change) => void setTimeout(() => both(store, answer(200))(change), 300),
}

/** How it answers a reading; of any other manner: what is stored, or 404. */
const READINGS: Record<string, (item: string | undefined, response: ServerResponse, count: number) => void> = {
  moves: (_, response, count) => void response.writeHead(count % 2 === 1 ? 200 : 404).end(String(count)),
  'dies-on-look': (_, response) => void response.destroy(),
}

export async function openWorldServer(): Promise<WorldServer> {
  const items = new Map<string, string>()
  const counts = new Map<string, number>()
  const readings = new Map<string, number>()
  const server = createServer(async (request, response) => {
    const [, manner = '', name = ''] = (request.url ?? '').split('/')
    if (request.method === 'GET' || request.method === 'HEAD') {
      const count = (readings.get(name) ?? 0) + 1
      readings.set(name, count)
      const item = items.get(name)
      const special = READINGS[manner]
      if (special) return special(item, response, count)
      return void response.writeHead(item === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(item)
    }
    const count = (counts.get(name) ?? 0) + 1
    counts.set(name, count)
    const body = await bodyOf(request)
    const change = { name, method: request.method ?? '', body, count, items, response }
    ;(MANNERS[manner] ?? answer(404))(change)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stored: (name) => items.get(name),
    store: (name, body) => void items.set(name, body),
    changesOf: (name) => counts.get(name) ?? 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
