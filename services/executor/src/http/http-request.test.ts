import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { testExecutor } from '../../test/test-executor.ts'
import { withSite } from '../../test/test-site.ts'
import { KINDS } from '../kinds/kinds.ts'

const request = (input: object, more: object = {}) => ({
  kind: 'http.request',
  input: input as Record<string, string>,
  ...more,
})

describe('an HTTP request', () => {
  it('that reads is proved by asking again', async () => {
    await using site = await withSite((_, response) => response.end('{"ok":true}'))
    expect(await site.executor.run(request({ target: 'site', path: '/status' }))).toMatchObject({
      outcome: 'done',
      effect: 'none',
      result: { data: { status: 200, body: '{"ok":true}' } },
      evidence: { observed: 'a second request was answered 200 with the same body' },
    })
    expect(site.requests.map(({ url }) => url)).toEqual(['/status', '/status'])
  })

  it('that reads what moves is proved by what was agreed to: that it is answered again', async () => {
    let count = 0
    await using site = await withSite((_, response) => response.end(String(count++)))
    expect(await site.executor.run(request({ target: 'site', path: '/count' }))).toMatchObject({
      outcome: 'done',
      evidence: { observed: expect.stringContaining('another body, which moves') },
    })
    const { postcondition } = KINDS.get('http.request')!
    expect(postcondition({ method: 'GET' }, { state: 'unknown' }, {} as never)).toEqual({ kind: 'answers_again' })
  })

  it('that changes something needs to say how that is seen', async () => {
    await using site = await withSite((_, response) => response.end())
    const refused = await site.executor.run(request({ method: 'POST', target: 'site' }))
    expect(refused).toMatchObject({ effect: 'none', error: { code: 'invalid_request' } })
    expect(site.requests).toEqual([])
  })

  it('that changes something carries its action as idempotency key, and is seen by other means', async () => {
    let stored = false
    await using site = await withSite((request, response) => {
      if (request.method === 'POST') stored = true
      response.end(JSON.stringify({ stored }))
    })
    const verify = { kind: 'http', target: 'site', path: '/order', json: { path: 'stored', equals: true } } as const
    const post = request({ method: 'POST', target: 'site', path: '/order', body: '{}' }, { verify })
    const { outcome, effect, evidence } = await site.executor.run(post)
    expect({ outcome, effect }).toEqual({ outcome: 'done', effect: 'made' })
    const posted = site.requests.filter(({ method }) => method === 'POST')
    expect(posted.map(({ headers }) => headers['idempotency-key'])).toEqual([evidence?.action_id])
  })

  it('that changes something is not sent where its verify holds before, unless it is an address that is gone', async () => {
    await using site = await withSite((request, response) => {
      response.writeHead(request.url === '/gone' ? 404 : 200).end('ok')
    })
    const changing = (method: string, path: string, status: number, more: object = {}) =>
      request(
        { method, target: 'site', path },
        { verify: { kind: 'http', target: 'site', path: '/gone', status }, ...more },
      )
    for (const action of [
      changing('POST', '/order', 404),
      changing('POST', '/order', 404, { already_so: 'run' }),
      changing('DELETE', '/order', 404),
    ])
      expect(await site.executor.run(action)).toMatchObject({
        effect: 'none',
        error: { code: 'precondition_failed', path: '$.verify' },
      })
    expect(await site.executor.run(changing('DELETE', '/gone', 404))).toMatchObject({
      outcome: 'done',
      effect: 'none',
      evidence: { already_so: true },
    })
    expect(site.requests.filter(({ method }) => method !== 'GET')).toEqual([])
  })

  it.each([
    'http://127.0.0.1/',
    'http://0x7f000001/',
    'http://2130706433/',
    'http://localhost./',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://169.254.169.254/latest/meta-data',
    'http://10.0.0.1/',
    'http://127.1/',
    'http://0177.0.0.1/',
    'http://[::ffff:7f00:1]/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://sub.localhost/',
    'https://user:word@127.0.0.1/',
    'file:///etc/passwd',
    'http://0.0.0.0/',
    'gopher://example.com/',
    'http://user@example.com/',
  ])('does not reach %s', async (url) => {
    await using executor = await testExecutor()
    expect(await executor.run(request({ url }))).toMatchObject({ effect: 'none', error: { code: 'blocked_address' } })
  })

  it('does not follow a redirect to where it may not go, nor round in circles', async () => {
    await using site = await withSite(({ url }, response, base) => {
      const port = Number(new URL(base).port)
      const to = url === '/in' ? `http://localhost:${port}/secret` : '/round'
      response.writeHead(302, { location: to }).end()
    })
    const inside = await site.executor.run(request({ target: 'site', path: '/in' }))
    expect(inside).toMatchObject({ error: { code: 'blocked_address' } })
    expect(site.requests.some(({ url }) => url === '/secret')).toBe(false)
    expect(await site.executor.run(request({ target: 'site', path: '/round' }))).toMatchObject({
      error: { code: 'limit_exceeded' },
    })
  })

  it('counts the size of an answer after it was unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000))
    await using site = await withSite((_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
    )
    expect(await site.executor.run(request({ target: 'site' }))).toMatchObject({ error: { code: 'limit_exceeded' } })
  })

  it('ends at its deadline when the answer drips', async () => {
    await using site = await withSite((_, response) => {
      response.writeHead(200)
      const drip = setInterval(() => response.write('.'), 50)
      response.on('close', () => clearInterval(drip))
    })
    const slow = await site.executor.run(request({ target: 'site' }, { timeout_ms: 300 }))
    expect(slow).toMatchObject({ outcome: 'failed', effect: 'none' })
  })
})

describe('a secret in a header', () => {
  const SECRET = 'canary-value-in-a-header'
  const KEYS = 'secrets: { api-key: { env: SITE_KEY } }'

  it('reaches the target alone, and nobody else', async () => {
    let elsewhere: string | undefined
    await using other = await withSite((request, response) => {
      elsewhere = JSON.stringify(request.headers)
      response.end('{}')
    })
    let site = ''
    const server = createServer((request, response) => {
      site = String(request.headers['x-api-key'])
      if (request.url === '/away') response.writeHead(302, { location: `${other.url}/` }).end()
      else response.end(`your key is ${site}`)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    await using executor = await testExecutor(`targets: { site: { type: http, url: "${url}" } }\n${KEYS}`, {
      SITE_KEY: SECRET,
    })
    const headers = { 'x-api-key': '{{secret.api-key}}' }
    const done = await executor.run(request({ target: 'site', headers }))
    expect(site).toBe(SECRET)
    expect(done).toMatchObject({ outcome: 'done', result: { data: { body: 'your key is [redacted]' } } })
    expect(JSON.stringify(done)).not.toContain(SECRET)
    // Somebody else's address, to which the target sends on, is not given it: it may not even be reached here.
    await executor.run(request({ target: 'site', path: '/away', headers }))
    expect(elsewhere ?? '').not.toContain(SECRET)
    server.closeAllConnections()
    server.close()
  })

  it.each([
    ['to an address that nobody vouches for', { url: 'https://example.com/', headers: { a: '{{secret.api-key}}' } }],
    ['that is not known', { target: 'site', headers: { a: '{{secret.api-kye}}' } }],
    ['that has no value', { target: 'site', headers: { a: '{{secret.empty}}' } }],
  ])('is not sent %s', async (_, input) => {
    const yaml = `targets: { site: { type: http, url: "http://127.0.0.1:9" } }
secrets: { api-key: { env: SITE_KEY }, empty: { env: NOT_SET } }`
    await using executor = await testExecutor(yaml, { SITE_KEY: SECRET })
    expect(await executor.run(request(input))).toMatchObject({ effect: 'none', error: { code: 'invalid_request' } })
  })
})
