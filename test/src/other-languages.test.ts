// The mesh as programs of others see it, with their libraries' own settings: Python's nats-py, and the `nats` package.
import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { SERVICES } from '@deed/proto/contract'
import { CALLERS } from '@deed/proto/permissions'
import { connect } from 'nats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { plainClient } from './plain-client.ts'

const PYTHON = 'python3'
const hasNatsPy = spawnSync(PYTHON, ['-c', 'import nats']).status === 0

const opened = new AsyncDisposableStack()
let under: MeshUnderTest
beforeAll(async () => {
  under = opened.use(await meshUnderTest())
})
afterAll(() => opened.disposeAsync())

describe(`a client in Python${hasNatsPy ? '' : ' (skipped: there is no python3 with nats-py here)'}`, () => {
  it.skipIf(!hasNatsPy)('asks, submits, follows and approves, with no setting but its user and password', async () => {
    const { nats_url: url, nats_password: client = '' } = under.mesh.connectionAs('client')
    const { nats_password: approver = '' } = under.mesh.connectionAs('approver')
    const script = join(import.meta.dirname, '../python/client.py')
    const { stdout } = await promisify(execFile)(PYTHON, [script, url, client, approver], { timeout: 120_000 })
    const seen = JSON.parse(stdout)
    expect(seen.asked).toMatchObject({ status: 'done', metrics: { success: true } })
    expect(seen.events.at(-1)).toMatchObject({
      type: 'execution.ended',
      subject: `event.execution.local.${seen.asked.execution_id}`,
    })
    expect(seen.first.stream).toBe('EXECUTION_INTAKE_local')
    expect(seen.submitted).toMatchObject({ status: 'done' })
    expect(seen.repeated.execution_id).toBe(seen.submitted.execution_id)
    expect(seen.conflicting).toMatchObject({ status: 'failed', error: { code: 'idempotency_conflict' } })
    expect(seen.decided.error).toBeUndefined()
    expect(seen.approved).toMatchObject({ status: 'done' })
    expect(existsSync(join(under.workspace, 'python.txt'))).toBe(false)
    expect(seen.services).toEqual([...SERVICES].sort())
    // What it may not is refused with the subject, and looks to the caller like an answer that does not come.
    expect(seen.errors.join('\n')).toMatch(/permissions violation for publish to "approval\.list"/i)
  })
})

describe.each(CALLERS)('the package nats, as $name, with no setting but user and password', ({ name, role }) => {
  it('has its requests answered, in both spellings, and hears events', async () => {
    await using caller = await plainClient(under.mesh.connectionAs(name))
    const events: string[] = []
    caller.nc.subscribe('event.execution.*.*', { callback: (_, { subject }) => void events.push(subject) })
    await caller.nc.flush()
    const { body } = await caller.ask('execution.request', { task: `create the folder of-${name}` })
    expect(body).toMatchObject({ status: 'done' })
    const { user, tenant } = CALLERS.find((one) => one.name === name) ?? { user: '', tenant: '' }
    const named = await caller.ask(`execution.get.${tenant}.${user}`, { execution_id: body.execution_id })
    expect(named.body).toMatchObject({ user, tenant, status: 'done' })
    await expect.poll(() => events, { timeout: 60_000 }).toContain(`event.execution.${tenant}.${body.execution_id}`)
    const approvals = caller.ask('approval.list', {})
    if (role === 'approver') expect((await approvals).body).toHaveProperty('approvals')
    else await expect(approvals).rejects.toMatchObject({ code: 'PERMISSIONS_VIOLATION' })
  })

  it('finds every service by PING, INFO and STATS, with descriptions and schemas', async () => {
    const { nats_url, nats_user = '', nats_password = '' } = under.mesh.connectionAs(name)
    const nc = await connect({ servers: nats_url, user: nats_user, pass: nats_password })
    opened.defer(() => nc.close())
    const monitor = nc.services.client({ strategy: 'count' as never, maxMessages: SERVICES.length, maxWait: 60_000 })
    const all = [...SERVICES].sort()
    const found: Record<string, string[]> = { ping: [], info: [], stats: [] }
    for await (const { name: service } of await monitor.ping()) found.ping?.push(service)
    for await (const { name: service, endpoints } of await monitor.info()) {
      found.info?.push(service)
      for (const { subject, metadata } of endpoints) {
        expect(subject).not.toContain('*')
        expect(metadata?.description, subject).toMatch(/\.$/)
        expect(JSON.parse(metadata?.request_schema ?? ''), subject).toMatchObject({ type: 'object' })
        expect(JSON.parse(metadata?.response_schema ?? ''), subject).toHaveProperty('$schema')
      }
    }
    let named = 0
    for await (const { name: service, endpoints = [] } of await monitor.stats()) {
      found.stats?.push(service)
      for (const { data } of endpoints) named += (data as { named_requests: number }).named_requests
    }
    for (const names of Object.values(found)) expect(names.sort()).toEqual(all)
    expect(named).toBeGreaterThan(0)
  })
})
