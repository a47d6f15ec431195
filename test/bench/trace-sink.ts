/** A collector that takes every trace and keeps none, so that services trace as they would in production. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface TraceSink extends AsyncDisposable {
  readonly url: string
  /** How many batches came. */
  readonly exports: number
}

export async function startTraceSink(): Promise<TraceSink> {
  let exports = 0
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      exports++
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get exports() {
      return exports
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
