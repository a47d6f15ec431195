import type { LookupAddress, lookup } from 'node:dns'
import { once } from 'node:events'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { hostname } from 'node:os'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { CERTIFICATE, KEY } from '../../test/test-certificate.ts'
import { checkedLookup, guardedRequest } from './guarded-request.ts'

const request = (url: string, more: { trustedOrigin?: string; timeoutMs?: number } = {}) =>
  guardedRequest({
    method: 'GET',
    url,
    headers: {},
    timeoutMs: 10_000,
    signal: new AbortController().signal,
    ...more,
  })

/** A server that says what it is told to, byte by byte. */
async function raw(
  answer: (write: (text: string | Buffer) => void) => void,
): Promise<AsyncDisposable & { url: string }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => answer((text) => socket.write(text)))
  }).listen(0, '127.0.0.1')
  return opened(server, 'http')
}

async function opened(server: Server, scheme: string): Promise<AsyncDisposable & { url: string }> {
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.close()
    },
  }
}

describe('a name', () => {
  it('is resolved once, and the connection goes to the address that was checked', async () => {
    const answers: LookupAddress[][] = [
      [{ address: '93.184.216.34', family: 4 }],
      [{ address: '127.0.0.1', family: 4 }],
    ]
    let asked = 0
    const rebinding = ((_host: string, _options: object, callback: (error: null, found: LookupAddress[]) => void) =>
      callback(null, answers[asked++]!)) as typeof lookup
    const found = await new Promise((resolve, reject) =>
      checkedLookup(rebinding)('rebinds.example', { all: true }, (error, addresses) =>
        error ? reject(error) : resolve(addresses),
      ),
    )
    expect(found).toEqual([{ address: '93.184.216.34', family: 4 }])
    expect(asked).toBe(1)
    await expect(
      new Promise((_, reject) => checkedLookup(rebinding)('rebinds.example', {}, (error) => reject(error))),
    ).rejects.toMatchObject({ code: 'blocked_address' })
  })

  it('of which one address is a local one is not connected to at all', async () => {
    const both = ((_host: string, _options: object, callback: (error: null, found: LookupAddress[]) => void) =>
      callback(null, [
        { address: '93.184.216.34', family: 4 },
        { address: '::ffff:10.0.0.1', family: 6 },
      ])) as typeof lookup
    await expect(
      new Promise((_, reject) => checkedLookup(both)('two.example', { all: true }, (error) => reject(error))),
    ).rejects.toMatchObject({ code: 'blocked_address' })
  })

  it('of this host is no way round the check of addresses', async () => {
    // Where it does not resolve, it leads nowhere either.
    await expect(request(`http://${hostname()}:9/`)).rejects.toMatchObject({
      code: expect.stringMatching(/blocked_address|unavailable/),
    })
  })

  it.each(['http://a\0b/', 'http://a b/', 'http://[::1', 'http://a%00b/'])(
    'that is none is refused: %j',
    async (url) => {
      await expect(request(url)).rejects.toMatchObject({ code: 'invalid_request' })
    },
  )
})

describe('an answer', () => {
  it.each([
    ['gzip', gzipSync(Buffer.alloc(20_000_000))],
    ['br', brotliCompressSync(Buffer.alloc(20_000_000))],
  ])('is measured unpacked: %s', async (encoding, bomb) => {
    await using server = await raw((write) => {
      write(`HTTP/1.1 200 OK\r\ncontent-encoding: ${encoding}\r\ncontent-length: ${bomb.length}\r\n\r\n`)
      write(bomb)
    })
    await expect(request(server.url, { trustedOrigin: server.url })).rejects.toMatchObject({ code: 'limit_exceeded' })
  })

  it.each([
    ['never begins', ''],
    ['never ends its headers', 'HTTP/1.1 200 OK\r\nx: '],
    ['never ends', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nx'],
  ])('that %s is waited for until the deadline', async (_, begun) => {
    await using server = await raw((write) => write(begun))
    const waited = request(server.url, { trustedOrigin: server.url, timeoutMs: 200 })
    await expect(waited).rejects.toMatchObject({ code: 'deadline_exceeded' })
  })

  it('with endless headers is cut off', async () => {
    await using server = await raw((write) => write(`HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(100_000)}`))
    await expect(request(server.url, { trustedOrigin: server.url })).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('of a server whose certificate nobody vouches for is not taken, now or later', async () => {
    const tls = createTlsServer({ key: KEY, cert: CERTIFICATE }, (_, response) => response.end('secret'))
    await using server = await opened(tls.listen(0, '127.0.0.1'), 'https')
    await expect(request(server.url, { trustedOrigin: server.url })).rejects.toMatchObject({
      code: 'effect_failed',
      retryable: false,
    })
  })
})
