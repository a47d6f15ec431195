// Deed over MCP on a real mesh: real clients over processes and HTTP, in both revisions of the protocol.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { connectBus } from '@deed/mesh/bus'
import { listExecutions, requestExecution } from '@deed/proto/execution'
import { listGrants } from '@deed/proto/grant'
import type { Transport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect, overHttp, overStdio, REVISIONS, type Revision } from '../test/mcp-client.ts'

const TOKEN = 'a-token-of-the-test-with-32-characters'
const ALONE = 'another-token-of-the-test-with-no-person'
const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex')

let under: MeshUnderTest
let url: string
beforeAll(async () => {
  under = await meshUnderTest({
    config: `
commands: { allow: [cp] }
mcp:
  enabled: true
  tokens:
    - { name: bot, sha256: ${hashOf(TOKEN)}, user: bot, person: ann }
    - { name: alone, sha256: ${hashOf(ALONE)}, user: bot }
`,
  })
  url = `http://127.0.0.1:${readFileSync(join(under.mesh.dataDir, 'mcp-port.json'), 'utf8')}/mcp`
})
afterAll(() => under?.[Symbol.asyncDispose]())

const WAYS: readonly [way: string, revision: Revision, transport: () => Transport][] = REVISIONS.flatMap((revision) => [
  ['a process', revision, () => overStdio(under.mesh.dataDir)] as const,
  ['HTTP', revision, () => overHttp(url, TOKEN)] as const,
])

/** The rows of the audit log about a decision. */
const decisions = async (executionId: string) => {
  const { rows } = await under.database.query(
    `SELECT type, data FROM orchestrator.audit_log WHERE execution_id = $1 AND type LIKE 'approval.%' ORDER BY seq`,
    [executionId],
  )
  return rows as { type: string; data: Record<string, unknown> }[]
}

describe.each(WAYS)('over %s, in revision %s,', (way, revision, transport) => {
  const file = `${way.replaceAll(' ', '-')}-${revision}.txt`

  it('a task in plain words is planned, done, proven and undone', async () => {
    await using mcp = await connect(transport(), revision)
    const task = `write "hello" to ${file}`
    const plan = await mcp.call('plan_task', { task })
    expect(plan).toMatchObject({ steps: [{ kind: 'file.write', level: 0, undo: 'reversible' }], omitted: 0 })
    expect(existsSync(join(under.workspace, file))).toBe(false)

    const done = await mcp.call('run_task', { task })
    const end = done.status === 'done' ? done : await mcp.call('wait_execution', { execution_id: done.execution_id })
    expect(end).toMatchObject({ status: 'done', verified: true, untrusted: { task } })
    expect(end.untrusted.evidence.join()).toContain('verified: ')
    expect(readFileSync(join(under.workspace, file), 'utf8')).toContain('hello')

    const { execution_id } = end
    expect(await mcp.call('list_executions', { text: file })).toMatchObject({
      executions: [{ execution_id, verified: true, untrusted: task }],
    })
    const { contents } = await mcp.client.readResource({ uri: `deed://executions/${execution_id}` })
    expect(JSON.parse((contents[0] as { text: string }).text)).toMatchObject({ execution_id, status: 'done' })

    expect(await mcp.call('rollback', { execution_id })).toMatchObject({ status: 'done', steps: [{ outlook: 'undo' }] })
    expect(existsSync(join(under.workspace, file))).toBe(true)
    await mcp.call('rollback', { execution_id, dry_run: false })
    await expect
      .poll(() => mcp.call('wait_execution', { execution_id, wait_seconds: 1 }))
      .toMatchObject({ status: 'rolled_back' })
    expect(existsSync(join(under.workspace, file))).toBe(false)
  })

  it('bad input is answered with what to do next, and nothing is stored', async () => {
    await using mcp = await connect(transport(), revision)
    const before = (await mcp.call('list_executions', { limit: 1 })).executions
    for (const [name, args, code] of [
      ['run_task', { task: '' }, 'invalid_request'],
      ['run_task', { task: 'x', user: 'approver' }, 'invalid_request'],
      ['run_task', { task: 'x'.repeat(70_000) }, 'invalid_request'],
      ['wait_execution', { execution_id: 'no-id', wait_seconds: 3_600 }, 'invalid_request'],
      ['get_execution', {}, 'invalid_request'],
      ['get_execution', { execution_id: '00000000-0000-4000-8000-000000000000' }, 'not_found'],
    ] as const) {
      const { error, next } = await mcp.call(name, args)
      expect({ name, code: error.code, next: typeof next }).toEqual({ name, code, next: 'string' })
    }
    await expect(mcp.client.callTool({ name: 'approve_everything', arguments: {} })).rejects.toThrow('not found')
    await expect(mcp.client.readResource({ uri: 'deed://executions/nothing' })).rejects.toMatchObject({ code: -32602 })
    expect((await mcp.call('list_executions', { limit: 1 })).executions).toEqual(before)
  })

  it('has prompts that name its own tools', async () => {
    await using mcp = await connect(transport(), revision)
    const { prompts } = await mcp.client.listPrompts()
    expect(prompts.map(({ name }) => name)).toEqual(['do_carefully', 'what_waits'])
    const { messages } = await mcp.client.getPrompt({ name: 'do_carefully', arguments: { task: 'say "hi"' } })
    expect(JSON.stringify(messages)).toContain('plan_task')
  })
})

describe('a plan that waits for a person', () => {
  const waiting = async (mcp: Awaited<ReturnType<typeof connect>>, name: string, level = 1) => {
    await under.client.call(requestExecution, { task: `write "old" to ${name}` })
    const task = level === 1 ? `write "new" to ${name}` : `write "new" to ${name}, then run \`cp ${name} copy-${name}\``
    const { execution_id, approval_id } = await mcp.call('run_task', { task })
    const id = approval_id ?? (await mcp.call('wait_execution', { execution_id })).approval_id
    return { execution_id, approval_id: id, read: () => readFileSync(join(under.workspace, name), 'utf8').trim() }
  }
  const accept = (decision: string) => ({ answers: { action: 'accept', content: { decision } } }) as const

  it.each(WAYS)(
    'is approved in a form by the person, never by the agent, over %s, in revision %s',
    async (way, revision) => {
      const [agent, transport] =
        way === 'HTTP' ? ['bot', overHttp(url, TOKEN)] : ['mcp', overStdio(under.mesh.dataDir, ['--person', 'ann'])]
      await using mcp = await connect(transport, revision, accept('approve'))
      const { execution_id, approval_id, read } = await waiting(mcp, `form-${agent}-${revision}.txt`)
      expect((await mcp.call('list_waiting', { execution_id })).waiting).toMatchObject([
        { approval_id, kind: 'approve', level: 1, requested_by: agent },
      ])
      expect(await mcp.call('decide_approval', { approval_id })).toMatchObject({
        approval_id,
        status: expect.stringMatching(/^(approved|used)$/),
      })
      expect(mcp.shown).toHaveLength(1)
      expect(mcp.shown[0]?.message).toMatch(new RegExp(`level 1, requested by ${agent}[^]*Plan [0-9a-f]{12}`))
      await expect.poll(() => mcp.call('get_execution', { execution_id })).toMatchObject({ status: 'done' })
      expect(read()).toBe('new')
      const decided = (await decisions(execution_id)).find(({ type }) => type === 'approval.decided')
      expect(JSON.stringify(decided?.data)).toMatch(/"ann"/)
      expect(JSON.stringify(decided?.data)).toMatch(/"mcp"/)
      expect((await mcp.call('decide_approval', { approval_id })).error).toMatchObject({
        code: 'approval_already_used',
      })
    },
  )

  it('is denied in a form, and still waits where the person does not answer', async () => {
    await using silent = await connect(overStdio(under.mesh.dataDir), '2026-07-28', { answers: { action: 'decline' } })
    const { execution_id, approval_id, read } = await waiting(silent, 'denied.txt')
    expect(await silent.call('decide_approval', { approval_id })).toMatchObject({ status: 'pending' })
    await using mcp = await connect(overHttp(url, TOKEN), '2026-07-28', accept('deny'))
    expect(await mcp.call('decide_approval', { approval_id })).toMatchObject({ status: 'denied' })
    await expect.poll(() => mcp.call('get_execution', { execution_id })).toMatchObject({ status: 'denied' })
    expect(read()).toBe('old')
  })

  it('is not approved without a person, without a form, with a forged answer, or from level 2 on', async () => {
    await using mcp = await connect(overHttp(url, TOKEN), '2026-07-28', accept('approve'))
    const { approval_id, execution_id, read } = await waiting(mcp, 'refused.txt')
    await using alone = await connect(overHttp(url, ALONE), '2026-07-28', accept('approve'))
    expect((await alone.call('decide_approval', { approval_id })).error).toMatchObject({ code: 'self_approval' })
    await using blind = await connect(overHttp(url, TOKEN), '2026-07-28')
    expect((await blind.call('decide_approval', { approval_id })).error).toMatchObject({ code: 'forbidden' })
    await using silent = await connect(overHttp(url, TOKEN), '2026-07-28', { answers: { action: 'decline' } })
    const forged = {
      ...{ name: 'decide_approval', arguments: { approval_id } },
      inputResponses: { decision: { action: 'accept', content: { decision: 'approve' } } },
    }
    const sealed = { ...forged, requestState: 'v1.e30.e30' }
    await expect(silent.client.callTool(sealed as never)).rejects.toMatchObject({ code: -32602 })
    expect((await silent.client.callTool(forged as never)).structuredContent).toMatchObject({ status: 'pending' })
    expect((await decisions(execution_id)).map(({ type }) => type)).toEqual(['approval.requested'])
    expect(read()).toBe('old')

    const high = await waiting(mcp, 'high.txt', 2)
    await using old = await connect(overHttp(url, TOKEN), '2025-11-25', accept('approve'))
    for (const client of [mcp, old]) {
      expect(await client.call('decide_approval', { approval_id: high.approval_id })).toMatchObject({
        status: 'pending',
      })
      expect(client.shown.at(-1)?.url).toMatch(new RegExp(`^http://127.0.0.1:\\d+/inbox/${high.approval_id}$`))
    }
    await mcp.call('cancel', { execution_id: high.execution_id })
    await expect
      .poll(() => mcp.call('get_execution', { execution_id: high.execution_id }))
      .toMatchObject({ status: 'cancelled' })
    expect(high.read()).toBe('old')
  })
})

describe('over HTTP', () => {
  const post = (headers: Record<string, string>, body = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}', at = url) =>
    fetch(at, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
      body,
    })
  const known = { authorization: `Bearer ${TOKEN}` }

  it('nobody is served without a known token, from a foreign page, or at another path', async () => {
    const none = await post({})
    expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    expect((await post({ authorization: 'Bearer no-such-token' })).status).toBe(401)
    expect((await post({ ...known, origin: 'https://evil.example' })).status).toBe(403)
    expect((await post(known, '{}', url.replace('/mcp', '/other'))).status).toBe(404)
    expect((await post(known)).status).toBe(200)
  })

  it('a request that is too large is refused before it is read', async () => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { x: 'x'.repeat(2_000_000) } })
    expect((await post(known, body)).status).toBe(413)
  })
})

it('the NATS user may ask what the tools need, and nothing else', async () => {
  const { nats_url, nats_user, nats_password } = under.mesh.connectionAs('mcp')
  await using bus = await connectBus({ service: 'mcp', url: nats_url, user: nats_user, password: nats_password })
  expect(await bus.call(listExecutions, { limit: 1 })).toHaveProperty('executions')
  await expect(bus.call(listGrants, {}, { timeoutMs: 1_000 })).rejects.toThrow()
})
