/** A server outside of Deed that remembers every request which asked it to change something, and by which key. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HttpWitness extends AsyncDisposable {
  readonly url: string
  /** The idempotency keys of all requests for this name, in the order they came. */
  keysOf(name: string): readonly string[]
}

/** `POST /effects/<name>` is an effect; `GET /effects/<name>` says whether there was one. */
export async function openHttpWitness(): Promise<HttpWitness> {
  const keys = new Map<string, string[]>()
  const server = createServer((request, response) => {
    const name = request.url?.split('/').at(-1) ?? ''
    const known = keys.get(name)
    if (request.method === 'POST') keys.set(name, [...(known ?? []), String(request.headers['idempotency-key'])])
    response.statusCode = request.method === 'POST' || known ? 200 : 404
    response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    keysOf: (name) => keys.get(name) ?? [],
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
