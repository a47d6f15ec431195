// What decisions change on a real mesh: targets that are held, the order of what waits, and in whose name a manifest proposes.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { until } from '@deed/process/until'
import { requestExecution } from '@deed/proto/execution'
import type { OrganizationRole } from '@deed/proto/organization'
import { linkCriterion } from '@deed/proto/organization-work'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect, type McpClient, overHttp } from '../../test/mcp-client.ts'

const TOKEN = 'a-token-of-the-test-with-32-characters'
const ROLES = ['operations_head', 'product_manager', 'test_lead', 'uiux_engineer'] as const
const opened = new AsyncDisposableStack()

/** The paths that the target press was asked for. */
const pressed: string[] = []
let under: MeshUnderTest
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
  under = opened.use(
    await meshUnderTest({
      config: `
targets:
  press: { type: http, url: "${pressUrl}", environment: development, rate_limit: { per_minute: 6, burst: 1 } }
mcp: { enabled: true, tokens: [{ name: all, sha256: ${sha256}, user: bot, roles: [${ROLES.join(', ')}] }] }
`,
    }),
  )
  const url = `http://127.0.0.1:${readFileSync(join(under.mesh.dataDir, 'mcp-port.json'), 'utf8')}/mcp`
  for (const role of ROLES)
    clients.set(role, opened.use(await connect(overHttp(`${url}/${role}`, TOKEN), '2026-07-28')))
})
afterAll(() => opened.disposeAsync())

// biome-ignore lint/suspicious/noExplicitAny: answers of different tools have no common shape
const call = (role: (typeof ROLES)[number], tool: string, args: Record<string, unknown> = {}): Promise<any> =>
  (clients.get(role) as McpClient).call(tool, args)

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
