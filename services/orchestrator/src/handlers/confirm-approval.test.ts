// How a person confirmed a decision: the console types the beginning of the plan's hash, and the audit log has channel and
// factor. On a real PostgreSQL and a real NATS server.
import { Action } from '@deed/proto/action'
import type { ApprovalId, ExecutionId } from '@deed/proto/ids'
import { defined } from '@deed/proto/json'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, beginExecution, openWorld, PEOPLE, type World } from '../../test/open-world.ts'
import { planWork } from '../planning/plan-work.ts'
import { decideApproval } from './decide-approval.ts'
import { decideApprovals } from './decide-approvals.ts'

const opened = new AsyncDisposableStack()
let world: World

beforeAll(async () => {
  world = await openWorld(opened)
})
afterAll(() => opened.disposeAsync())

interface Waiting {
  id: ExecutionId
  approval_id: ApprovalId
  plan_hash: string
}

/** A plan of level 2 that waits for its approval. */
async function waiting(): Promise<Waiting> {
  const { driver, planning } = world
  const id = await beginExecution(world, 'delete a.txt')
  const { execution } = await driver.read(id)
  const node = {
    ...{ id: 'task', kind: 'task' as const, title: 'delete', description: 'delete', depends_on: [] },
    ...{ acceptance_criteria: [], estimated_ms: 0, estimated_cost_usd: 0, capability: 'act' as const },
    risk: 'low' as const,
  }
  const action = Action.parse({ kind: 'file.delete', input: { path: 'a.txt' } })
  const actions = [{ name: 'delete', title: 'delete a.txt', depends_on: [], action }]
  const solution = { actions, answer: { kind: 'actions' as const }, confidence: 1 }
  const work = await planWork(planning, execution, [{ node, solution }])
  const { approvals } = await driver.apply(id, { type: 'planned', work, found: { method: 'autonomous' } })
  const [approval] = approvals.values()
  if (!approval) throw new Error('the plan has no approval')
  expect(approval.level).toBe(2)
  return { id, approval_id: approval.approval_id, plan_hash: approval.plan_hash }
}

const audit = async ({ id }: Waiting): Promise<unknown[]> =>
  (
    await world.db.pool.query(
      `select type, data->>'code' as code, data->>'channel' as channel, data->>'factor' as factor from audit_log
        where execution_id = $1 and type in ('approval.refused', 'approval.decided') order by seq`,
      [id],
    )
  ).rows

const inConsole = ({ approval_id, plan_hash }: Waiting, typed?: string, factor: 'answer' | 'typed' = 'typed') =>
  ask(decideApproval(world), PEOPLE.approver, {
    ...{ approval_id, plan_hash, decision: 'approve' },
    confirmation: { channel: 'console', factor, ...defined({ typed }) },
  })

describe('a plan of level 2', () => {
  it('is approved in the console with the first six characters of its hash, and the audit log says how', async () => {
    const plan = await waiting()
    await expect(inConsole(plan, plan.plan_hash.slice(0, 6).toUpperCase())).resolves.toMatchObject({ status: 'used' })
    expect(await audit(plan)).toEqual([{ type: 'approval.decided', code: null, channel: 'console', factor: 'typed' }])
  })

  it('is approved in the console by a passkey, for the plan that was seen and for no other', async () => {
    const plan = await waiting()
    const { approval_id, plan_hash } = plan
    const confirmation = { channel: 'console', factor: 'passkey' } as const
    const approve = (more: { plan_hash?: string }) =>
      ask(decideApproval(world), PEOPLE.approver, { approval_id, decision: 'approve', confirmation, ...more })
    await expect(approve({})).rejects.toMatchObject({ code: 'approval_mismatch' })
    await expect(approve({ plan_hash: 'f'.repeat(64) })).rejects.toMatchObject({ code: 'approval_mismatch' })
    await expect(approve({ plan_hash })).resolves.toMatchObject({ status: 'used' })
    expect((await audit(plan)).at(-1)).toMatchObject({ type: 'approval.decided', factor: 'passkey' })
  })

  it.each([
    ['nothing typed', () => undefined, 'typed'],
    ['an empty text', () => '', 'typed'],
    ['five of the characters', (hash: string) => hash.slice(0, 5), 'typed'],
    ['the whole hash', (hash: string) => hash, 'typed'],
    ['other characters', (hash: string) => (hash.startsWith('0') ? '111111' : '000000'), 'typed'],
    ['the right characters, but no factor that types', (hash: string) => hash.slice(0, 6), 'answer'],
  ] as const)('is refused in the console with %s, and the audit log says so', async (_, typed, factor) => {
    const plan = await waiting()
    await expect(inConsole(plan, typed(plan.plan_hash), factor)).rejects.toMatchObject({
      code: 'approval_mismatch',
      message: expect.stringContaining('type the first 6 characters'),
    })
    expect(await audit(plan)).toEqual([
      { type: 'approval.refused', code: 'approval_mismatch', channel: 'console', factor },
    ])
    expect((await world.driver.read(plan.id)).approvals.get(plan.approval_id)?.status).toBe('pending')
  })

  it('is refused with what was typed for another plan, replayed after the plan changed', async () => {
    const [shown, changed] = [await waiting(), await waiting()]
    expect(shown.plan_hash).not.toBe(changed.plan_hash)
    const typed = shown.plan_hash.slice(0, 6)
    await expect(inConsole({ ...changed, plan_hash: shown.plan_hash }, typed)).rejects.toMatchObject({
      code: 'approval_mismatch',
      message: 'the plan has changed since it was shown; review the new plan',
    })
    await expect(inConsole(changed, typed)).rejects.toMatchObject({ code: 'approval_mismatch' })
    expect(await audit(changed)).toHaveLength(2)
    expect((await world.driver.read(changed.id)).approvals.get(changed.approval_id)?.status).toBe('pending')
  })

  it('is denied in the console without typing, since nothing runs', async () => {
    const { approval_id, plan_hash, id } = await waiting()
    const confirmation = { channel: 'console', factor: 'answer' } as const
    const input = { approval_id, plan_hash, decision: 'deny', confirmation } as const
    await expect(ask(decideApproval(world), PEOPLE.approver, input)).resolves.toMatchObject({ status: 'denied' })
    expect(await audit({ id, approval_id, plan_hash })).toMatchObject([{ channel: 'console', factor: 'answer' }])
  })

  it('is refused in a form of a client over MCP, whatever was typed there', async () => {
    const { approval_id, plan_hash, id } = await waiting()
    const confirmation = { channel: 'mcp', factor: 'typed', typed: plan_hash.slice(0, 6) } as const
    const input = { approval_id, plan_hash, decision: 'approve', confirmation } as const
    await expect(ask(decideApproval(world), PEOPLE.approver, input)).rejects.toMatchObject({
      code: 'approval_mismatch',
    })
    expect((await world.driver.read(id)).approvals.get(approval_id)?.status).toBe('pending')
  })

  it('is approved by a client that says nothing about it, on the channel nats', async () => {
    const plan = await waiting()
    const input = { approval_id: plan.approval_id, decision: 'approve' } as const
    await ask(decideApproval(world), PEOPLE.approver, input)
    expect(await audit(plan)).toMatchObject([{ channel: 'nats', factor: 'none' }])
  })

  it('is decided among several with what was typed for it, and only these', async () => {
    const [one, other] = [await waiting(), await waiting()]
    const typed = one.plan_hash.slice(0, 6)
    const reply = await ask(decideApprovals(world), PEOPLE.approver, {
      approvals: [one, other].map(({ approval_id, plan_hash }) => ({ approval_id, plan_hash, typed })),
      decision: 'approve',
      confirmation: { channel: 'console', factor: 'typed' },
    })
    expect(reply).toMatchObject({ results: [{ status: 'used' }, { error: { code: 'approval_mismatch' } }] })
  })
})
