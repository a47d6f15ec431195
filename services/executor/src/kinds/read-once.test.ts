// A server that counts, and gives what it has to the first who asks.
import { describe, expect, it } from 'vitest'
import { dies } from '../../test/test-dies.ts'
import { testExecutor } from '../../test/test-executor.ts'
import { withSite } from '../../test/test-site.ts'

const get = (input: object) => ({ kind: 'http.request', input: { target: 'site', path: '/once', ...input } })

const givesOnce = () => {
  let count = 0
  return withSite((_, response) => {
    count++
    if (count === 1) response.end('the secret of today')
    else response.writeHead(410).end('gone!')
  })
}

const UNCONFIRMED = {
  kind: 'unconfirmed',
  outcome: 'unverified',
  observed: 'asked once; not confirmed by a second read',
}

describe('a GET that may be sent only once', () => {
  it('is sent once where its action says so, and its first body is the answer', async () => {
    await using site = await givesOnce()
    expect(await site.executor.run(get({ repeatable: false }))).toMatchObject({
      outcome: 'done',
      effect: 'none',
      result: { data: { status: 200, body: 'the secret of today' } },
      evidence: UNCONFIRMED,
    })
    expect(site.requests).toHaveLength(1)
  })

  it('is sent once where execution.yaml names its path, with whatever query', async () => {
    await using site = await givesOnce()
    await using executor = await testExecutor(`targets: { site: { type: http, url: "${site.url}", once: [/once] } }`)
    expect(await executor.run(get({ path: '/once?token=1' }))).toMatchObject({
      outcome: 'done',
      result: { data: { body: 'the secret of today' } },
      evidence: UNCONFIRMED,
    })
    expect(site.requests).toHaveLength(1)
  })

  it('is never sent to verify something else', async () => {
    await using site = await givesOnce()
    await using executor = await testExecutor(`targets: { site: { type: http, url: "${site.url}", once: [/once] } }`)
    const verify = { kind: 'http', target: 'site', path: '/once' } as const
    const write = { kind: 'file.write', input: { path: 'a', content: 'a' }, verify }
    expect(await executor.run(write)).toMatchObject({ outcome: 'failed', error: { code: 'unverified' } })
    expect(site.requests).toHaveLength(0)
  })

  it('is not sent again when the connection broke before its answer came', async () => {
    await using site = await withSite((request) => request.socket.destroy())
    const work = await site.executor.dispatch(get({ repeatable: false }))
    const lost = { outcome: 'failed', error: { code: 'effect_failed', retryable: false } }
    expect(await site.executor.attempt(work)).toMatchObject(lost)
    expect(await site.executor.run(work.action, { after: work })).toMatchObject(lost)
    expect(site.requests).toHaveLength(1)
  })

  it('is not sent again when the process died that had its answer', async () => {
    await using site = await givesOnce()
    const work = await site.executor.dispatch(get({ repeatable: false }))
    await dies(site.executor, work, 'after_effect')
    const lost = await site.executor.run(work.action, { after: work })
    expect(lost).toMatchObject({ outcome: 'failed', error: { code: 'effect_failed', retryable: false } })
    expect(site.requests.length).toBeLessThanOrEqual(1)
  })

  it('is sent later where the server was not reached at all', async () => {
    await using executor = await testExecutor('targets: { site: { type: http, url: "http://127.0.0.1:1" } }')
    expect(await executor.run(get({ repeatable: false }))).toMatchObject({
      effect: 'none',
      error: { code: 'unavailable', retryable: true },
    })
  })

  it('is a GET: a POST is refused that says so', async () => {
    await using site = await givesOnce()
    const verify = { kind: 'http', target: 'site', path: '/' } as const
    expect(await site.executor.run({ ...get({ method: 'POST', repeatable: false }), verify })).toMatchObject({
      error: { code: 'invalid_request', path: '$.input.repeatable' },
    })
    expect(site.requests).toHaveLength(0)
  })
})

describe('what is done by its answer alone', () => {
  it('is a read: a change that asks for it is not done', async () => {
    await using executor = await testExecutor()
    const write = { kind: 'file.write', input: { path: 'a', content: 'a' }, verify: { kind: 'asked_once' as const } }
    expect(await executor.run(write)).toMatchObject({ outcome: 'failed', error: { code: 'unverified' } })
    const run = { kind: 'command.run', input: { argv: ['true'] }, verify: { kind: 'asked_once' as const } }
    expect((await executor.run(run)).outcome).toBe('failed')
  })
})

describe('a second reading', () => {
  it('brings no second body where the server can say that nothing has changed', async () => {
    await using site = await withSite((request, response) => {
      response.setHeader('etag', '"7"')
      if (request.headers['if-none-match'] === '"7"') response.writeHead(304).end()
      else response.end('large')
    })
    expect(await site.executor.run(get({}))).toMatchObject({
      outcome: 'done',
      result: { data: { status: 200, body: 'large' } },
      evidence: { kind: 'observed', outcome: 'verified', observed: 'a second request was answered 304: still "7"' },
    })
    expect(site.requests).toHaveLength(2)
  })
})
