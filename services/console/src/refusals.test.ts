// What the console refuses is in the audit log, which can be verified: over a whole mesh.
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { until } from '@deed/process/until'
import type { ApprovalView } from '@deed/proto/approval'
import { listRefusals, recordRefusals, verifyAudit } from '@deed/proto/audit'
import { requestExecution } from '@deed/proto/execution'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ask, linkOf, login, type SignedIn, signIn } from '../test/console-client.ts'

/** Of level 2. */
const TASK = 'write "new" to plan/a.txt, then run `cp plan/a.txt plan/b.txt`'

let under: MeshUnderTest
let ann: SignedIn

beforeAll(async () => {
  under = await meshUnderTest({ config: 'commands: { allow: [cp] }' })
  ann = await signIn(under.client)
})
afterAll(() => under[Symbol.asyncDispose]())

const of = (tenant: string) => ({ principal: { tenant, user: 'user' } })
const refusals = async (tenant: string) => (await under.client.call(listRefusals, {}, of(tenant))).refusals

async function waiting(): Promise<ApprovalView> {
  const { execution_id } = await under.client.call(requestExecution, { task: TASK, mode: 'background' })
  return until(async () => {
    const { body } = await ann.call('approval.list', { execution_id, status: 'pending' })
    return (body as { approvals: ApprovalView[] }).approvals[0]
  })
}

it('a role, a forged request, a foreign approval and a replay are audited, and the log holds', async () => {
  const { approval_id, plan_hash } = await waiting()
  const decision = {
    ...{ approval_id, decision: 'approve', plan_hash },
    confirmation: { channel: 'console', factor: 'typed', typed: plan_hash.slice(0, 6) },
  }
  const viewer = await signIn(under.client, { user: 'vic', role: 'viewer' })
  expect(await viewer.call('approval.decide', decision)).toMatchObject({ status: 403 })
  const eve = await signIn(under.client, { tenant: 'acme', user: 'eve' })
  expect(await eve.call('approval.decide', decision)).toMatchObject({ status: 404 })
  expect(
    await eve.call('approval.decide-many', { decision: 'approve', approvals: [{ approval_id, plan_hash }] }),
  ).toMatchObject({
    status: 200,
  })
  expect(await ann.call('approval.decide', decision)).toMatchObject({ status: 200 })
  expect(await ann.call('approval.decide', decision)).toMatchObject({ status: 409 })
  expect(await ann.call('execution.list', {}, { 'x-deed-csrf': 'x' })).toMatchObject({ status: 403 })
  expect(await ann.call('execution.list', {}, { origin: 'https://evil.example' })).toMatchObject({ status: 403 })
  expect((await ask(ann.base, { headers: { host: 'evil.example' } })).status).toBe(403)
  const { token } = await linkOf(under.client)
  await login(ann.base, token)
  expect((await login(ann.base, token)).status).toBe(401)

  const local = [
    { reason: 'role', code: 'forbidden', user: 'vic', subject: 'approval.decide' },
    { reason: 'approval', code: 'approval_already_used', user: 'approver', subject: 'approval.decide' },
    { reason: 'csrf', user: 'approver', subject: 'execution.list' },
    { reason: 'origin', subject: 'execution.list' },
    { reason: 'host', address: expect.stringContaining('127.0.0.1') },
    { reason: 'replay', code: 'unauthenticated' },
  ]
  for (const refusal of local)
    await expect.poll(() => refusals('local')).toContainEqual(expect.objectContaining(refusal))
  for (const subject of ['approval.decide', 'approval.decide-many'])
    await expect
      .poll(() => refusals('acme'))
      .toContainEqual(expect.objectContaining({ reason: 'approval', code: 'not_found', user: 'eve', subject }))
  expect(JSON.stringify(await refusals('local'))).not.toMatch(/evil|eve/)
  for (const tenant of ['local', 'acme'])
    expect(await under.client.call(verifyAudit, {}, of(tenant))).toMatchObject({ broken: null, broken_anchor: null })
})

it('nobody but the console records a refusal', async () => {
  const at = new Date().toISOString()
  const refusal = { reason: 'role', code: 'forbidden', count: 1, first_at: at, last_at: at } as const
  const record = () => under.client.call(recordRefusals, { tenant: 'local', refusals: [refusal] }, of('local'))
  await expect(record()).rejects.toMatchObject({ code: 'forbidden' })
  expect(await ann.call('audit.record-refusals', { tenant: 'local', refusals: [refusal] })).toMatchObject({
    status: 403,
  })
})
