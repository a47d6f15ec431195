// The console of a whole mesh over real connections: what it lets a page do, and what it refuses.

import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { connectBus } from '@deed/mesh/bus'
import { until } from '@deed/process/until'
import type { ApprovalView } from '@deed/proto/approval'
import { type ConsoleRefusal, linkConsole, signOutOfConsole } from '@deed/proto/console'
import { requestExecution, watchExecution } from '@deed/proto/execution'
import type { ConsoleRole } from '@deed/proto/permissions'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, linkOf, login, openLive, type SignedIn, signIn } from '../test/console-client.ts'

/** Of level 2. */
const TASK = 'write "new" to plan/a.txt, then run `cp plan/a.txt plan/b.txt`'

let under: MeshUnderTest
let ann: SignedIn
let base: string

beforeAll(async () => {
  under = await meshUnderTest({ config: 'commands: { allow: [cp] }', env: { METRICS_PORT: '0' } })
  ann = await signIn(under.client)
  base = ann.base
})
afterAll(() => under[Symbol.asyncDispose]())

const cookieOf = ({ headers }: SignedIn): { cookie: string } => ({ cookie: headers.cookie ?? '' })

/** How often the console has refused for a reason, as Prometheus reads it. */
async function refusals(reason: ConsoleRefusal): Promise<number> {
  const { body } = await ask(under.mesh.service('console').metricsUrl ?? '')
  return Number(new RegExp(`^deed_console_refusals_total\\{reason="${reason}"\\} (\\d+)`, 'm').exec(body)?.[1] ?? 0)
}

async function expectRefusal(
  reason: ConsoleRefusal,
  status: number,
  work: () => Promise<{ status: number; body: string }>,
) {
  const before = await refusals(reason)
  const answer = await work()
  expect({ reason, status: answer.status }).toEqual({ reason, status })
  expect(JSON.parse(answer.body)).toMatchObject({ error: { code: expect.any(String), message: expect.any(String) } })
  expect(await refusals(reason)).toBe(before + 1)
  await expect.poll(() => under.log('console')).toContain(`"reason":"${reason}"`)
}

const post = (path: string, headers: Record<string, string>, body = '{}') =>
  ask(`${base}${path}`, { method: 'POST', headers: { ...ann.headers, ...headers }, body })

describe('the page', () => {
  it('is served at any path under a strict policy, and its files for good', async () => {
    const { status, headers, body } = await ask(`${base}/executions/any?status=failed`)
    expect({ status, type: headers['content-type'], cache: headers['cache-control'] }).toEqual({
      ...{ status: 200, type: 'text/html; charset=utf-8', cache: 'no-cache' },
    })
    const policy = String(headers['content-security-policy'])
    for (const rule of ["default-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"])
      expect(policy).toContain(rule)
    expect(policy).not.toContain('unsafe')
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' })
    const [, script = ''] = /src="(\/assets\/main-[^"]+)"/.exec(body) ?? []
    const file = await ask(`${base}${script}`, { headers: { 'accept-encoding': 'br' } })
    expect(file.headers).toMatchObject({
      'content-encoding': 'br',
      'cache-control': expect.stringContaining('immutable'),
    })
    expect((await ask(`${base}/assets/..%2f..%2fpackage.json`)).status).toBe(404)
  })
})

describe('a forged request', () => {
  it('under another name is refused, whatever it asks', async () => {
    for (const path of ['/', '/api/session', '/api/live'])
      await expectRefusal('host', 403, () =>
        ask(`${base}${path}`, { headers: { host: 'evil.example', ...cookieOf(ann) } }),
      )
  })

  it('from another page is refused', async () => {
    for (const origin of ['https://evil.example', 'null', ''])
      await expectRefusal('origin', 403, () => post('/api/call/execution.list', { origin }))
    await expectRefusal('origin', 403, () => post('/api/logout', { 'sec-fetch-site': 'cross-site' }))
    const { token } = await linkOf(under.client)
    await expectRefusal('origin', 403, () => login(base, token, { origin: 'https://evil.example' }))
  })

  it('without the token of the session is refused', async () => {
    const bob = await signIn(under.client, { user: 'bob' })
    for (const token of ['', 'x', bob.session.csrf])
      await expectRefusal('csrf', 403, () => post('/api/call/execution.list', { 'x-deed-csrf': token }))
  })

  it('with a forged session is refused', async () => {
    const { cookie } = cookieOf(ann)
    for (const forged of ['', `${cookie}x`, cookie.replace(/\.[^.]*$/, '.'), cookie.replace('=', '=e30')])
      await expectRefusal('session', 401, () => post('/api/call/execution.list', { cookie: forged }))
  })

  it('of another type, size or depth is refused', async () => {
    await expectRefusal('body', 400, () => post('/api/call/execution.list', { 'content-type': 'text/plain' }))
    await expectRefusal('body', 413, () => post('/api/call/execution.list', {}, `"${'x'.repeat(1_100_000)}"`))
    const deep = await post('/api/call/execution.list', {}, '['.repeat(100) + ']'.repeat(100))
    expect(JSON.parse(deep.body)).toMatchObject({ error: { code: 'too_deep' } })
  })
})

describe('a sign-in', () => {
  it('by a link that was used, or by no token at all, is refused', async () => {
    const { token } = await linkOf(under.client)
    expect((await login(base, token)).status).toBe(204)
    await expectRefusal('replay', 401, () => login(base, token))
    await expectRefusal('sign_in', 401, () => login(base, 'A'.repeat(43)))
  })

  it('is not made by the one who may only request', async () => {
    const outside = under.mesh.connectionAs('client')
    await using bus = await connectBus({
      ...{ service: 'client', url: outside.nats_url, user: outside.nats_user, password: outside.nats_password },
    })
    await expect(bus.call(linkConsole, {}, { timeoutMs: 2_000 })).rejects.toThrow()
  })

  it('ends with the session, and no copy of its cookie is let in again', async () => {
    const bob = await signIn(under.client, { user: 'bob' })
    const { socket } = await bob.live()
    const closed = new Promise((resolve) => socket.once('close', resolve))
    expect((await ask(`${base}/api/logout`, { method: 'POST', headers: bob.headers, body: '{}' })).status).toBe(204)
    expect(await closed).toBe(4401)
    expect((await bob.call('execution.list', {})).status).toBe(401)
    await expect(bob.live()).rejects.toThrow('401')
  })
})

describe('a role', () => {
  it.each<[ConsoleRole, string]>([
    ['viewer', 'execution.request'],
    ['viewer', 'approval.decide'],
    ['operator', 'approval.decide'],
    ['operator', 'grant.put'],
    ['approver', 'metrics.get'],
    ['approver', 'log.level.executor'],
    ['admin', 'console.link'],
    ['admin', 'task.report'],
    ['admin', 'agent.process'],
    ['admin', 'no.such.subject'],
    ['admin', 'execution.list.acme.bob'],
  ])('%s may not ask %s', async (role, subject) => {
    const bob = await signIn(under.client, { user: 'bob', role })
    await expectRefusal('role', 403, () =>
      ask(`${base}/api/call/${subject}`, { method: 'POST', headers: bob.headers, body: '{}' }),
    )
  })

  it('and a person are those of the session, whatever a body says', async () => {
    const bob = await signIn(under.client, { user: 'bob', role: 'operator' })
    const { status, body } = await bob.call('execution.request', { task: 'write "x" to bob.txt', user: 'root' })
    expect({ status, body }).toMatchObject({ status: 400, body: { error: { code: 'unknown_field' } } })
    const done = await bob.call('execution.request', { task: 'write "x" to bob.txt', mode: 'immediate' })
    expect(done).toMatchObject({ status: 200, body: { status: 'done' } })
    const { execution_id } = done.body as { execution_id: string }
    expect((await ann.call('execution.get', { execution_id })).body).toMatchObject({ user: 'bob', tenant: 'local' })
    const eve = await signIn(under.client, { tenant: 'acme', user: 'eve' })
    expect(await eve.call('execution.get', { execution_id })).toMatchObject({ status: 404 })
  })
})

describe('an approval', () => {
  const waiting = async (): Promise<ApprovalView> => {
    const { execution_id } = await under.client.call(requestExecution, { task: TASK, mode: 'background' })
    return until(async () => {
      const { body } = await ann.call('approval.list', { execution_id, status: 'pending' })
      return (body as { approvals: ApprovalView[] }).approvals[0]
    })
  }

  it("of level 2 needs six characters of the plan's hash, and what was refused is audited", async () => {
    const { approval_id, execution_id, level, plan_hash } = await waiting()
    expect(level).toBe(2)
    const lying = { channel: 'command', factor: 'none' }
    for (const confirmation of [
      undefined,
      lying,
      { ...lying, typed: 'ffffff' },
      { ...lying, typed: plan_hash.slice(0, 5) },
    ]) {
      const input = { approval_id, decision: 'approve', plan_hash, ...(confirmation ? { confirmation } : {}) }
      expect(await ann.call('approval.decide', input)).toMatchObject({
        ...{ status: 409, body: { error: { code: 'approval_mismatch' } } },
      })
    }
    const eve = await signIn(under.client, { tenant: 'acme', user: 'eve' })
    const typed = {
      approval_id,
      decision: 'approve',
      plan_hash,
      confirmation: { ...lying, typed: plan_hash.slice(0, 6) },
    }
    expect(await eve.call('approval.decide', typed)).toMatchObject({ status: 404 })
    expect(await ann.call('approval.decide', typed)).toMatchObject({ status: 200, body: { status: 'used' } })
    expect(await ann.call('approval.decide', typed)).toMatchObject({ status: 409 })
    const { events: rows } = await under.client.call(watchExecution, { execution_id })
    expect(rows.filter(({ type }) => type === 'approval.refused')).toHaveLength(4)
    expect(JSON.stringify(rows.filter(({ type }) => type === 'approval.decided'))).toContain('"channel":"console"')
  })
})

describe('everybody', () => {
  it('is signed out by the operator, and links are void', async () => {
    const bob = await signIn(under.client, { user: 'bob' })
    const { token } = await linkOf(under.client)
    await under.client.call(signOutOfConsole, {})
    expect((await bob.call('execution.list', {})).status).toBe(401)
    expect((await login(base, token)).status).toBe(401)
    await expect(openLive(base, { ...cookieOf(bob), origin: base })).rejects.toThrow('401')
    expect(under.log('console')).not.toContain(token)
  })
})
