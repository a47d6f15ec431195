// Sessions of revision 2025-11-25 over real HTTP, on a server that the serving modules make.

import { until } from '@deed/process/until'
import { describe, expect, it } from 'vitest'
import { startConformanceServer } from '../../test/conformance-server.ts'
import { connect, overHttp } from '../../test/mcp-client.ts'
import { SESSION_LIMITS, type SessionLimits } from './sessions.ts'

const UNKNOWN = '00000000-0000-4000-8000-000000000000'

/** A server where the token of a client is its name. */
async function serve(limits: Partial<SessionLimits> = {}) {
  const server = await startConformanceServer({
    limits: { ...SESSION_LIMITS, ...limits },
    authenticate: (header = '') => ({ token: '', clientId: header.replace('Bearer ', ''), scopes: [] }),
  })
  const ask = (method: string, client: string, id: string | null, options: RequestInit & { path?: string } = {}) =>
    fetch(server.url + (options.path ?? ''), {
      method,
      ...options,
      headers: {
        ...{ authorization: `Bearer ${client}`, accept: 'application/json, text/event-stream' },
        ...{ 'content-type': 'application/json', 'mcp-protocol-version': '2025-11-25' },
        ...(id === null ? {} : { 'mcp-session-id': id }),
      },
    })
  const post = (client: string, id: string | null, rpc: string, params: object = {}, path = '') =>
    ask('POST', client, id, { body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: rpc, params }), path })
  return {
    url: server.url,
    /** @returns the id of the session, or the status of the refusal */
    async start(client: string): Promise<string> {
      const clientInfo = { name: 'test', version: '1' }
      const answer = await post(client, null, 'initialize', {
        ...{ protocolVersion: '2025-11-25', capabilities: {}, clientInfo },
      })
      await answer.text()
      return answer.headers.get('mcp-session-id') ?? String(answer.status)
    },
    /** @returns the status of a request in the session */
    async ping(client: string, id: string | null, path = ''): Promise<number> {
      const answer = await post(client, id, 'ping', {}, path)
      await answer.text()
      return answer.status
    },
    /** Opens the stream on which the server speaks by itself. @returns what closes it; undefined: there is no such session */
    async listen(client: string, id: string): Promise<(() => void) | undefined> {
      const stream = new AbortController()
      const { status } = await ask('GET', client, id, { signal: stream.signal })
      return status === 200 ? () => stream.abort() : undefined
    },
    end: async (client: string, id: string) => (await ask('DELETE', client, id)).status,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

describe('a session over HTTP in revision 2025-11-25', () => {
  it('is the way to ask the person at the client, who may also decline', async () => {
    await using server = await serve()
    const content = { username: 'ann', email: 'ann@example.com' }
    await using mcp = await connect(overHttp(server.url, 'ann'), '2025-11-25', {
      answers: { action: 'accept', content },
    })
    expect(await mcp.call('test_elicitation')).toEqual({ text: 'done' })
    expect(mcp.shown).toEqual([{ message: 'What is the username, email?' }])
  })

  it('is for its client and its path alone; to all others it does not exist', async () => {
    await using server = await serve()
    const id = await server.start('ann')
    expect(await server.ping('ann', id)).toBe(200)
    expect(await server.ping('bob', id)).toBe(404)
    expect(await server.ping('ann', id, '/other')).toBe(404)
    expect(await server.end('bob', id)).toBe(404)
    expect(await server.ping('ann', UNKNOWN)).toBe(404)
    expect(await server.ping('ann', id)).toBe(200)
  })

  it('ends with DELETE', async () => {
    await using server = await serve()
    const id = await server.start('ann')
    expect(await server.end('ann', id)).toBe(200)
    expect(await server.ping('ann', id)).toBe(404)
    expect(await server.end('ann', id)).toBe(404)
  })

  it('ends after its idle time, but not while a stream of it is open', async () => {
    // Shorter than the pause between two requests, which are uses of it.
    await using server = await serve({ idleMs: 5 })
    const gone = (id: string) => until(async () => (await server.ping('ann', id)) === 404)
    const { id, stop } = await until(async () => {
      const begun = await server.start('ann')
      const stream = await server.listen('ann', begun)
      return stream && { id: begun, stop: stream }
    })
    await gone(await server.start('ann'))
    expect(await server.ping('ann', id)).toBe(200)
    stop()
    await gone(id)
  })

  it('ends where its client starts too many: the one that is unused for longest; while all are in use, none starts', async () => {
    await using server = await serve({ ofOwnerMax: 2 })
    const other = await server.start('bob')
    const [first, second] = [await server.start('ann'), await server.start('ann')]
    expect(await server.ping('ann', first)).toBe(200)
    const third = await server.start('ann')
    expect(await server.ping('ann', second)).toBe(404)
    const streams = [await server.listen('ann', first), await server.listen('ann', third)]
    expect(await server.start('ann')).toBe('429')
    streams[0]?.()
    await until(async () => (await server.start('ann')) !== '429')
    expect(await server.ping('ann', first)).toBe(404)
    expect(await server.ping('bob', other)).toBe(200)
  })

  it('is not needed for a request that asks nobody, and does not exist in revision 2026-07-28', async () => {
    await using server = await serve({ sessionsMax: 0 })
    expect(await server.ping('ann', null)).toBe(200)
    expect(await server.start('ann')).toBe('429')
    await using mcp = await connect(overHttp(server.url, 'ann'), '2026-07-28')
    expect(await mcp.call('test_simple_text')).toEqual({ text: 'done' })
  })
})
