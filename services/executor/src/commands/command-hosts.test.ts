// Commands that may reach hosts.
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { hostname } from 'node:os'
import type { JsonObject } from '@deed/proto/json'
import { describe, expect, it } from 'vitest'
import { run, sandboxesHere } from '../../test/commands-in-sandboxes.ts'
import { testExecutor } from '../../test/test-executor.ts'

const { strongest } = await sandboxesHere()

const confining = strongest.confines ? '' : ' (SKIPPED: nothing confines commands on this host)'

describe.skipIf(!strongest.confines)(`a command that may reach hosts${confining}`, () => {
  /** Tells each client which line it has sent. */
  async function listening(): Promise<AsyncDisposable & { port: number; got: string[] }> {
    const got: string[] = []
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.on('data', (chunk) => {
        got.push(String(chunk))
        socket.end(`heard ${chunk}`)
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    return { port, got, [Symbol.asyncDispose]: async () => void server.close() }
  }

  /** Asks the proxy for a tunnel and sends a line through it; prints what comes back. */
  const through = (authority: string) => `
    const { hostname, port } = new URL(process.env.https_proxy)
    const socket = require('node:net').connect(port, hostname)
    socket.write('CONNECT ${authority} HTTP/1.1\\r\\n\\r\\n')
    socket.once('data', (head) => { process.stdout.write(String(head)); if (String(head).includes(' 200 ')) socket.write('a line') })
    socket.on('data', (chunk) => process.stdout.write(chunk))`

  it('reaches them through the proxy, and the evidence says how much went there', async () => {
    await using host = await listening()
    const yaml = `targets: { site: { type: http, url: "http://127.0.0.1:${host.port}" } }`
    await using executor = await testExecutor(yaml, {}, strongest)
    const script = through(`127.0.0.1:${host.port}`)
    const { evidence, result } = await executor.run(run(['node', '-e', script], {}, { allow_hosts: ['site'] }))
    expect(String((result!.data as JsonObject).stdout)).toContain('heard a line')
    expect(evidence?.facts?.network).toEqual({
      hosts: [{ host: `127.0.0.1:${host.port}`, connections: 1, bytes_out: 6, bytes_in: 12 }],
      refused: [],
    })
    expect(host.got).toEqual(['a line'])
  })

  it('reaches no other, and the evidence names what it asked for', async () => {
    await using host = await listening()
    await using executor = await testExecutor('', {}, strongest)
    for (const authority of [`127.0.0.1:${host.port}`, 'elsewhere.example:443']) {
      const script = through(authority)
      const { evidence, result } = await executor.run(run(['node', '-e', script], {}, { allow_hosts: ['example.com'] }))
      expect(String((result!.data as JsonObject).stdout)).toMatch(/^HTTP\/1.1 403 /)
      expect(evidence?.facts?.network).toEqual({ hosts: [], refused: [authority] })
    }
    expect(host.got).toEqual([])
  })

  it('is not taken past the check of addresses by a name', async () => {
    await using host = await listening()
    await using executor = await testExecutor('', {}, strongest)
    const local = `${hostname().toLowerCase()}:${host.port}`
    const { result } = await executor.run(run(['node', '-e', through(local)], {}, { allow_hosts: [local] }))
    expect(String((result!.data as JsonObject).stdout)).toMatch(/^HTTP\/1.1 502 /)
    expect(host.got).toEqual([])
  })

  it.each(['127.0.0.1', '10.0.0.1:80', 'localhost', 'a.localhost:443', 'user@host', 'a b', '*.example.com', ''])(
    'may not ask for %j',
    async (name) => {
      await using executor = await testExecutor('', {}, strongest)
      const refused = await executor.run(run(['true'], {}, { allow_hosts: [name] }))
      expect(refused).toMatchObject({ effect: 'none', outcome: 'failed' })
      expect(['invalid_request', 'blocked_address']).toContain(refused.error?.code)
    },
  )
})
