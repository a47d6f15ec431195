// What is refused is audited over a real NATS server, within bounds and completely counted.
import { testBus } from '@deed/local/test-bus'
import { type AuditedRefusal, recordRefusals } from '@deed/proto/audit'
import { DeedError } from '@deed/proto/errors'
import { createLogger } from '@deed/telemetry/logger'
import { expect, it } from 'vitest'
import { openRefusalAudit } from './refusal-audit.ts'

const log = createLogger('test')
const ROLE = { reason: 'role', code: 'forbidden' } as const
const HOST = { reason: 'host', code: 'forbidden' } as const
const WINDOW_MS = 3_600_000

type Recorded = AuditedRefusal & { readonly tenant: string }

/** A console and the orchestrator that it reports to. @param refuse how many requests the orchestrator refuses first */
async function world(windowMs: number, refuse = 0) {
  const opened = new AsyncDisposableStack()
  const mesh = opened.use(await testBus())
  const recorded: Recorded[] = []
  let left = refuse
  const orchestrator = await mesh.bus('orchestrator')
  orchestrator.serve(recordRefusals, async ({ tenant, refusals }, { principal }) => {
    expect(principal).toEqual({ tenant: 'mesh', user: 'console' })
    if (left-- > 0) throw new DeedError('internal', 'the database is away')
    recorded.push(...refusals.map((refusal) => ({ tenant, ...refusal })))
    return { number: recorded.length }
  })
  const audit = openRefusalAudit(await mesh.bus('console'), log, windowMs)
  return { audit, recorded, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

const total = (recorded: readonly Recorded[]): number => recorded.reduce((sum, { count }) => sum + count, 0)

it('a refusal says who asked for what and from where, and equal ones are one entry', async () => {
  await using open = await world(WINDOW_MS)
  const { audit, recorded } = open
  const eve = { tenant: 'acme', user: 'eve', address: '10.0.0.1', path: '/api/call/approval.decide' }
  for (let time = 0; time < 3; time++) audit.add(ROLE, eve)
  audit.add(HOST, { address: '10.0.0.2', path: '/api/call/<script>' })
  await expect.poll(() => recorded.length).toBe(2)
  expect(recorded.toSorted((a, b) => a.tenant.localeCompare(b.tenant))).toMatchObject([
    { tenant: 'acme', ...ROLE, user: 'eve', subject: 'approval.decide', address: '10.0.0.1', count: 3 },
    { tenant: 'local', ...HOST, address: '10.0.0.2', count: 1 },
  ])
  expect(JSON.stringify(recorded)).not.toContain('script')
  await audit[Symbol.asyncDispose]()
})

it('a flood is a few entries, in which each refusal is counted', async () => {
  await using open = await world(WINDOW_MS)
  const { audit, recorded } = open
  for (let number = 0; number < 5_000; number++) audit.add(number % 2 ? HOST : ROLE, { address: `10.0.0.${number}` })
  await expect.poll(() => recorded.length).toBe(20)
  await audit[Symbol.asyncDispose]()
  expect(recorded).toHaveLength(22)
  expect(recorded.filter(({ address }) => address === undefined)).toHaveLength(2)
  expect(total(recorded)).toBe(5_000)
})

it('what could not be recorded is counted at the end of the window', async () => {
  await using open = await world(1, 1)
  const { audit, recorded } = open
  audit.add(ROLE, { tenant: 'acme', user: 'eve' })
  await expect.poll(() => recorded, { timeout: 20_000 }).toMatchObject([{ tenant: 'acme', ...ROLE, count: 1 }])
  await audit[Symbol.asyncDispose]()
  expect(total(recorded)).toBe(1)
})
