// What decisions change on a real mesh: targets that are held, the order of what waits, and in whose name a manifest proposes.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { freePort } from '@deed/local/kept-port'
import { connectBus } from '@deed/mesh/bus'
import { until } from '@deed/process/until'
import { decideApproval, listApprovals } from '@deed/proto/approval'
import { proposeDecision } from '@deed/proto/decision'
import { type ExecutionDetail, getExecution, requestExecution } from '@deed/proto/execution'
import { deleteGoal, type GoalView, listGoals, putGoal } from '@deed/proto/goal'
import type { ExecutionId } from '@deed/proto/ids'
import type { OrganizationRole } from '@deed/proto/organization'
import { recall } from '@deed/proto/organization-notes'
import { linkCriterion } from '@deed/proto/organization-work'
import { roleUser } from '@deed/proto/role-requests'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect, type McpClient, overHttp, REVISIONS } from '../../test/mcp-client.ts'

const TOKEN = 'a-token-of-the-test-with-32-characters'
const ROLES = ['ceo', 'operations_head', 'product_manager', 'test_lead', 'uiux_engineer'] as const
/** Says which process answers. */
const SERVER = `import { createServer } from 'node:http'
createServer((_, response) => response.end(String(process.pid))).listen(Number(process.env.PORT), '127.0.0.1')`
const opened = new AsyncDisposableStack()

/** The paths that the target press was asked for. */
const pressed: string[] = []
let under: MeshUnderTest
let webPort: number
let url: string
const clients = new Map<OrganizationRole, McpClient>()
beforeAll(async () => {
  const press = createServer((request, answer) => {
    pressed.push(request.url ?? '')
    answer.end('done')
  }).listen(0, '127.0.0.1')
  opened.defer(() => void press.close())
  await once(press, 'listening')
  const pressUrl = `http://127.0.0.1:${(press.address() as AddressInfo).port}`
  const sha256 = createHash('sha256').update(TOKEN).digest('hex')
  webPort = await freePort()
  under = opened.use(
    await meshUnderTest({
      config: `
targets:
  press: { type: http, url: "${pressUrl}", environment: development, rate_limit: { per_minute: 6, burst: 1 } }
  web:
    type: process
    command: [node, server.mjs]
    cwd: ./workspace
    env: { PORT: "${webPort}" }
    environment: test
    health: { url: "http://127.0.0.1:${webPort}/", timeout_ms: 500 }
mcp: { enabled: true, tokens: [{ name: all, sha256: ${sha256}, user: bot, person: ann, roles: [${ROLES.join(', ')}] }] }
`,
    }),
  )
  writeFileSync(join(under.workspace, 'server.mjs'), SERVER)
  url = `http://127.0.0.1:${readFileSync(join(under.mesh.dataDir, 'mcp-port.json'), 'utf8')}/mcp`
  for (const role of ROLES)
    clients.set(role, opened.use(await connect(overHttp(`${url}/${role}`, TOKEN), '2026-07-28')))
})
afterAll(async () => {
  await opened.disposeAsync()
  // A supervised process outlives the mesh by design.
  const left = await webProcess().catch(() => undefined)
  if (left !== undefined) process.kill(left, 'SIGKILL')
})

const webProcess = async (): Promise<number> => Number(await (await fetch(`http://127.0.0.1:${webPort}/`)).text())
const request = async (asked: object): Promise<ExecutionId> =>
  (await under.client.call(requestExecution, { mode: 'background', ...asked } as never)).execution_id as ExecutionId
const read = (id: ExecutionId): Promise<ExecutionDetail> => under.client.call(getExecution, { execution_id: id })
const isDone = (id: ExecutionId) =>
  until(async () => (await read(id)).status === 'done', { what: `execution ${id} to be done` })

/** Approves what an execution waits for. */
async function approve(id: ExecutionId): Promise<void> {
  const asked = await until(
    async () => (await under.client.call(listApprovals, { execution_id: id, status: 'pending' })).approvals[0],
    { what: `an approval of ${id}` },
  )
  await under.client.call(decideApproval, { approval_id: asked.approval_id, decision: 'approve' })
}

// biome-ignore lint/suspicious/noExplicitAny: answers of different tools have no common shape
const call = (role: (typeof ROLES)[number], tool: string, args: Record<string, unknown> = {}): Promise<any> =>
  (clients.get(role) as McpClient).call(tool, args)

const decisions = async (): Promise<number> =>
  (await under.database.query('select count(*)::int as n from organization.decisions')).rows[0].n

describe('a target that a role holds', () => {
  const restart = () => {
    const action = {
      ...{ kind: 'http.request', input: { target: 'press', method: 'POST', path: '/restart' } },
      verify: { kind: 'file', path: 'restarted.txt', exists: true },
    } as const
    return under.client.call(requestExecution, {
      manifest: { name: 'restart', tasks: [{ id: 'post', action }] },
      dry_run: true,
    })
  }

  it('is not acted on, with a sentence that names the role and its reason, until the role releases it', async () => {
    await restart()
    const reason = 'the drum is open'
    const hold = await call('operations_head', 'hold_target', { target: 'press', hours: 2, reason })
    expect(hold).toMatchObject({ approved: true, held: true, until: expect.any(String), paused: [] })
    await expect(restart()).rejects.toMatchObject({
      code: 'precondition_failed',
      message: expect.stringMatching(/^operations_head holds press until .*: the drum is open$/),
    })
    expect((await call('operations_head', 'get_operations_status')).held).toMatchObject([
      { target: 'press', held_by: 'operations_head', untrusted: reason },
    ])
    expect(await call('operations_head', 'hold_target', { target: 'press', hours: 0, reason: 'closed' })).toMatchObject(
      { held: false, until: null },
    )
    await restart()
  })

  const hold = (hours: number) =>
    call('operations_head', 'hold_target', { target: 'web', hours, reason: 'its disk is replaced' })

  it('keeps a step of an accepted plan waiting, and the step continues when the hold is lifted', async () => {
    const started = await request({ task: 'start service web' })
    await until(async () => (await read(started)).status === 'waiting', { what: 'the question about the plan' })
    expect(await hold(2)).toMatchObject({ held: true, paused: [started] })
    await approve(started)
    // Another one, which was requested later, does its work meanwhile.
    await isDone(await request({ task: 'write "meanwhile" to meanwhile.txt' }))
    const { status, tasks } = await read(started)
    expect({ status, begun: tasks.filter(({ started_at: at }) => at !== null) }).toEqual({
      status: 'running',
      begun: [],
    })
    await expect(webProcess()).rejects.toThrow()
    expect(await hold(0)).toMatchObject({ held: false, paused: [] })
    await isDone(started)
    expect((await read(started)).task_verified).toBe(true)
    expect(await webProcess()).toBeGreaterThan(0)
  })

  it('lets a goal rest, which says so, and is restored when the hold is lifted', async () => {
    const goal = (is: (one: GoalView) => boolean, what: string): Promise<GoalView> =>
      until(async () => (await under.client.call(listGoals, { name: 'web-up' })).goals.find(is), { what })
    const put = await under.client.call(putGoal, { name: 'web-up', task: 'keep web running', interval_ms: 1_000 })
    await approve(put.execution_id as ExecutionId)
    await goal(({ status }) => status === 'active', 'the goal to be active')
    await hold(2)
    const before = await webProcess()
    process.kill(before, 'SIGKILL')
    const resting = await goal(({ last_outcome: outcome }) => outcome === 'drifted', 'the goal to see that')
    expect(resting).toMatchObject({
      ...{ status: 'active', remedies: [] },
      last_seen: expect.stringMatching(/^operations_head holds web until .*: its disk is replaced$/),
    })
    await hold(0)
    const restored = await goal(({ last_outcome: outcome }) => outcome === 'holds', 'the goal to hold again')
    expect(restored.remedies).toHaveLength(1)
    expect(await webProcess()).not.toBe(before)
    await under.client.call(deleteGoal, { name: 'web-up' })
  })
})

describe('audits and drills', () => {
  it('are ordinary executions, which wait for a person, and have no figure before they have run', async () => {
    const workspace = under.workspace
    expect(await call('test_lead', 'run_drill', { workspace, faults: ['F02'] })).toMatchObject({
      execution_id: null,
      plan: [{ kind: 'command.run', level: expect.toSatisfy((level: number) => level > 0) }],
    })
    expect((await call('test_lead', 'run_drill', { workspace, faults: ['; rm'] })).error.code).toBe('invalid_request')
    const audit = { workspace, selection: ['npm', 'run', 'axe'], dry_run: false }
    const started = await call('uiux_engineer', 'audit_accessibility', audit)
    expect(started).toMatchObject({ plan: [{ kind: 'test.run' }], checks: null, violations: null })
    const found = await call('uiux_engineer', 'audit_accessibility', { execution_id: started.execution_id })
    expect(found).toMatchObject({ checks: null, violations: null })
    expect(found.facts).toContainEqual({
      ...{ name: 'violations', value: null, source: expect.stringContaining(started.execution_id) },
      as_of: expect.any(String),
    })
    expect((await call('uiux_engineer', 'audit_accessibility')).error.code).toBe('missing_field')
  })
})

describe('a decided priority', () => {
  it('is the order in which executions that wait are taken, also those that waited before', async () => {
    const principal = { tenant: 'local', user: 'product_manager' } as const
    const get = async (path: string) => {
      const action = { kind: 'http.request', input: { target: 'press', path, repeatable: false } }
      const manifest = { name: 'press', tasks: [{ id: 'get', action }] }
      const { execution_id } = await under.client.call(
        requestExecution,
        { manifest, mode: 'background' },
        { principal },
      )
      return execution_id
    }
    await get('/first')
    await until(() => pressed.includes('/first'), { what: 'the first one, which uses the turn' })
    // The next turn is in ten seconds.
    const early = await get('/early')
    const late = await get('/late')
    const items = new Map<string, string>()
    for (const [name, execution_id] of [
      ['Early', early],
      ['Late', late],
    ] as const) {
      const feature = await call('product_manager', 'define_feature', {
        ...{ name, user_stories: ['as a reader'], business_value: 'x' },
        acceptance_criteria: [{ text: 'it is printed' }],
      })
      items.set(name, feature.feature_id)
      const link = { backlog_id: feature.feature_id, criterion: 0, execution_id } as never
      await under.client.call(linkCriterion, link, { principal })
    }
    const order = [items.get('Late'), items.get('Early')]
    expect(
      await call('product_manager', 'prioritize_backlog', { items: order, constraints: 'readers wait' }),
    ).toMatchObject({ approved: true })
    await until(() => pressed.length > 1, { what: 'the next turn', timeoutMs: 60_000 })
    expect(pressed).toEqual(['/first', '/late'])
  })
})

describe('a manifest of a role', () => {
  it('proposes as that role alone, and one of a person waits for another person', async () => {
    const request = (user: string, by: string) => {
      const input = { by, type: 'priority', subject: { name: 'x', details: { order: [] } }, rationale: 'x' }
      const manifest = { name: 'propose', tasks: [{ id: 'one', action: { kind: 'decision.propose', input } }] }
      return under.client.call(
        requestExecution,
        { manifest, dry_run: true },
        { principal: { tenant: 'local', user } as never },
      )
    }
    await expect(request('senior_developer', 'product_manager')).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('cannot propose as product_manager'),
    })
    for (const user of ['product_manager', 'user'])
      expect(await request(user, 'product_manager')).toMatchObject({
        result: { data: { actions: [{ level: 2, action: { kind: 'decision.propose' } }] } },
      })
  })
})

describe('what a person must decide', () => {
  it.each(REVISIONS)(
    'opens in the console, where the client shows addresses, and is proposed once, in revision %s',
    async (revision) => {
      const answers = { action: 'accept' } as const
      await using ceo = await connect(overHttp(`${url}/ceo`, TOKEN), revision, { answers })
      const before = await decisions()
      const wanted = await ceo.call('approve_strategic_initiative', {
        ...{ initiative: `Shown ${revision}`, business_value: 'x', budget: 900_000 },
      })
      expect(wanted).toMatchObject({ status: 'pending', approved: false })
      expect(ceo.shown).toMatchObject([
        { message: expect.stringContaining(`Shown ${revision}`), url: expect.stringMatching(/^http:.*\/inbox$/) },
      ])
      expect(await decisions()).toBe(before + 1)
    },
  )
})

describe('the NATS user of a role', () => {
  it('asks in the name of the role, and the server refuses another name and what another role asks', async () => {
    const user = roleUser('senior_developer')
    const { nats_url, nats_user, nats_password } = under.mesh.connectionAs(user)
    await using bus = await connectBus({ service: user, url: nats_url, user: nats_user, password: nats_password })
    const as = (role: OrganizationRole) => ({ principal: { tenant: 'local', user: role }, timeoutMs: 1_000 })
    expect(await bus.call(recall, {}, as('senior_developer'))).toHaveProperty('memories')
    const before = await decisions()
    const refused = { type: 'standard', subject: { name: 'Refused' }, rationale: 'x' } as const
    const asked = await Promise.allSettled([
      bus.call(recall, {}, as('cto')),
      bus.call(proposeDecision, refused, as('senior_developer')),
      bus.call(proposeDecision, refused, as('cto')),
    ])
    expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(await decisions()).toBe(before)
  })
})
