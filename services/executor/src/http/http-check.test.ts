import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { DeedError } from '@deed/proto/errors'
import type { JsonObject } from '@deed/proto/json'
import { describe, expect, it } from 'vitest'
import { CERTIFICATE, KEY } from '../../test/test-certificate.ts'
import { testExecutor } from '../../test/test-executor.ts'
import { withSite } from '../../test/test-site.ts'
import { httpCheck } from './http-check.ts'

const check = (input: JsonObject) => ({ kind: 'http.check', input })

/** A server of TLS whose certificate is signed by itself, as the target `site`. */
async function withTlsSite() {
  const server = createServer({ key: KEY, cert: CERTIFICATE }, (_, response) => response.end('ok'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const executor = await testExecutor(`targets: { site: { type: http, url: "${url}" } }`)
  return {
    executor,
    async [Symbol.asyncDispose]() {
      await executor[Symbol.asyncDispose]()
      server.closeAllConnections()
      server.close()
    },
  }
}

describe('an address that is checked', () => {
  it('is asked twice, and its status and time are the answer', async () => {
    await using site = await withSite((_, response) => response.writeHead(204).end())
    const { executor, requests } = site
    const { outcome, effect, result, evidence } = await executor.run(check({ target: 'site', path: '/health' }))
    expect({ outcome, effect, seen: evidence?.outcome }).toEqual({ outcome: 'done', effect: 'none', seen: 'verified' })
    expect(result?.text).toMatch(/^site \/health answers 204 in \d+ ms$/)
    expect(result?.data).toMatchObject({ url: 'site /health', status: 204, redirects: [], certificate: null })
    expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual(['GET /health', 'GET /health'])
  })

  it('may redirect, which is said; what never ends is not read', async () => {
    await using site = await withSite((request, response) => {
      if (request.url === '/old') response.writeHead(301, { location: '/new' }).end()
      else response.writeHead(200).write('endless')
    })
    expect(await site.executor.run(check({ target: 'site', path: '/old' }))).toMatchObject({
      outcome: 'done',
      result: { data: { status: 200, redirects: [`${site.url}/new`] } },
    })
  })

  it('that answers otherwise than expected fails the check, and is an answer where nothing is expected', async () => {
    await using site = await withSite((_, response) => response.writeHead(503).end())
    const { executor } = site
    expect(await executor.run(check({ target: 'site', status: 200 }))).toMatchObject({
      outcome: 'failed',
      error: { code: 'verification_failed', message: expect.stringContaining('answers 503') },
    })
    expect(await executor.run(check({ target: 'site', status: 503 }))).toMatchObject({ outcome: 'done' })
    expect(await executor.run(check({ target: 'site' }))).toMatchObject({
      outcome: 'done',
      result: { data: { status: 503 } },
    })
  })

  it('where nobody listens does not answer, which is an answer', async () => {
    await using executor = await testExecutor('targets: { site: { type: http, url: "http://127.0.0.1:9" } }')
    const { outcome, result } = await executor.run(check({ target: 'site' }))
    expect(outcome).toBe('done')
    expect(result?.text).toMatch(/^site does not answer: .*ECONNREFUSED/)
    expect(result?.data).toMatchObject({ status: null })
    expect(await executor.run(check({ target: 'site', status: 200 }))).toMatchObject({ outcome: 'failed' })
  })

  it('is not said to be silent where the time of the action is up before it could answer', async () => {
    await using site = await withSite((_, response) => response.end('ok'))
    const over = AbortSignal.abort(new DeedError('deadline_exceeded', 'the time of the action is up'))
    const context = { world: site.executor.world, action: { timeout_ms: 60_000 }, signal: over }
    await expect(httpCheck.execute({ target: 'site' }, context as never, { state: 'read' })).rejects.toMatchObject({
      code: 'deadline_exceeded',
    })
  })

  it('that answers at times is not said to be up by its better half', async () => {
    let asked = 0
    await using site = await withSite((_, response) => response.writeHead(++asked % 2 === 1 ? 200 : 500).end())
    expect(await site.executor.run(check({ target: 'site' }))).toMatchObject({ outcome: 'failed' })
  })

  it('has a certificate whose days are counted, also where nobody vouches for it', async () => {
    await using site = await withTlsSite()
    const certificate = { names: 'IP Address:127.0.0.1', valid_to: '2126-11-06T02:18:02.000Z' }
    const distrusted = await site.executor.run(check({ target: 'site' }))
    expect(distrusted.result?.text).toMatch(
      /^site does not answer: its certificate is not valid: .*; its certificate expires on 2126-11-06, in \d+ days$/,
    )
    expect(distrusted.result?.data).toMatchObject({ status: null, certificate })
    const known = getCACertificates('default')
    setDefaultCACertificates([...known, CERTIFICATE])
    try {
      const trusted = await site.executor.run(check({ target: 'site', status: 200 }))
      expect(trusted).toMatchObject({ outcome: 'done', result: { data: { status: 200, certificate } } })
      const { days_left } = (trusted.result!.data as { certificate: { days_left: number } }).certificate
      expect(days_left).toBe(Math.floor((Date.parse(certificate.valid_to) - Date.now()) / 86_400_000))
    } finally {
      setDefaultCACertificates(known)
    }
  })

  it.each([
    ['http://127.0.0.1:9/', 'blocked_address'],
    ['https://127.0.0.1:9/', 'blocked_address'],
    ['https://localhost/', 'blocked_address'],
    ['http://169.254.169.254/latest/meta-data/', 'blocked_address'],
    ['file:///etc/passwd', 'blocked_address'],
  ])('is refused where it is local and no target: %s', async (url, code) => {
    await using executor = await testExecutor()
    expect(await executor.run(check({ url }))).toMatchObject({ outcome: 'failed', effect: 'none', error: { code } })
  })

  it('is not followed to a local address', async () => {
    await using site = await withSite((_, response) =>
      response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
    )
    expect(await site.executor.run(check({ target: 'site' }))).toMatchObject({ error: { code: 'blocked_address' } })
  })

  it('is never one that may be asked for only once', async () => {
    await using executor = await testExecutor(
      'targets: { site: { type: http, url: "http://127.0.0.1:9", once: [/next] } }',
    )
    expect(await executor.run(check({ target: 'site', path: '/next' }))).toMatchObject({
      error: { code: 'invalid_request' },
    })
  })
})
