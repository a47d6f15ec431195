/**
 * A server outside of Deed that remembers every request which asked it to change something, and by which key.
 *
 * How it behaves beyond that is in the name: `late-x` acts and then cuts the connection before it has answered,
 * `flaky-x` shows its effect to every second read only, `mute-x` never answers a read, `lying-x` answers 200 and does
 * nothing.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HttpWitness extends AsyncDisposable {
  readonly url: string
  /** The idempotency keys of all requests for this name, in the order they came. */
  keysOf(name: string): readonly string[]
  /** How many reads of this name came here, whatever they were answered. */
  readsOf(name: string): number
}

/** `POST /effects/<name>` is an effect; `GET /effects/<name>` says whether there was one. */
export async function openHttpWitness(): Promise<HttpWitness> {
  const keys = new Map<string, string[]>()
  const reads = new Map<string, number>()
  const server = createServer((request, response) => {
    const name = request.url?.split('/').at(-1) ?? ''
    const known = keys.get(name)
    if (request.method === 'POST') {
      if (!name.startsWith('lying-')) keys.set(name, [...(known ?? []), String(request.headers['idempotency-key'])])
      if (name.startsWith('late-')) return void request.socket.destroy()
      return void response.writeHead(200).end()
    }
    const read = (reads.get(name) ?? 0) + 1
    reads.set(name, read)
    if (name.startsWith('mute-')) return
    const shown = known !== undefined && !(name.startsWith('flaky-') && read % 2 === 1)
    response.writeHead(shown ? 200 : 404).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    keysOf: (name) => keys.get(name) ?? [],
    readsOf: (name) => reads.get(name) ?? 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
