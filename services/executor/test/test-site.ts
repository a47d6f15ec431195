/** A real server on a local port, which the configuration of an executor names as the target `site`. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestExecutor, testExecutor } from './test-executor.ts'

export interface Site extends AsyncDisposable {
  executor: TestExecutor
  url: string
  requests: IncomingMessage[]
}

export async function withSite(
  answer: (request: IncomingMessage, response: ServerResponse, site: string) => void,
): Promise<Site> {
  const requests: IncomingMessage[] = []
  let url = ''
  const server = createServer((request, response) => {
    requests.push(request)
    answer(request, response, url)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const executor = await testExecutor(`targets: { site: { type: http, url: "${url}" } }`)
  return {
    executor,
    url,
    requests,
    async [Symbol.asyncDispose]() {
      await executor[Symbol.asyncDispose]()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
