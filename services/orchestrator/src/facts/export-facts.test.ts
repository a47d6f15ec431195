// Two replicas, a real database, and a webhook: what a rule has to say is said once.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { testBus } from '@deed/local/test-bus'
import { every } from '@deed/process/every'
import { until } from '@deed/process/until'
import { listAlerts as contract } from '@deed/proto/alert'
import type { AlertRule } from '@deed/proto/alert-rules'
import { openStore } from '@deed/store/database'
import { testDatabase } from '@deed/store/test-database'
import { createLogger } from '@deed/telemetry/logger'
import { expect, it } from 'vitest'
import { deliverAlerts } from '../alerts/deliver-alerts.ts'
import { listAlerts } from '../handlers/list-alerts.ts'
import { migrations } from '../store/migrations.ts'
import { endSilence, putSilence } from '../store/rule-states.ts'
import type { Schema } from '../store/schema.ts'
import { exportFacts } from './export-facts.ts'

const log = createLogger('test')
const RULE: AlertRule = {
  name: 'idle',
  metric: 'deed_worker_slots',
  labels: { capability: 'act' },
  comparison: '<',
  threshold: 1,
  for_seconds: 0,
  resolve_seconds: 0,
  severity: 'critical',
  summary: 'Nobody works.',
  runbook: 'start one',
}

interface Call {
  alert_id: string
  severity: string
  message: string
  data: { state: string }
}

it('fires once and is resolved once, over replicas and restarts, whatever another webhook does', async () => {
  await using opened = new AsyncDisposableStack()
  const mesh = opened.use(await testBus())
  const db = opened.use(await testDatabase<Schema>('orchestrator', migrations))
  const calls: Call[] = []
  const hook = opened.use(await server((body, end) => end(200, void calls.push(JSON.parse(body) as Call))))
  const broken = opened.use(await server((_, end) => end(500)))
  const inward = opened.use(await server((_, end) => end(302)))
  const silent = opened.use(await server(() => undefined))
  const webhooks = [silent, broken, inward, hook].map(({ url }) => ({ url, names: undefined, secret: undefined }))

  const replica = async () => {
    const bus = await mesh.bus('orchestrator')
    bus.serve(contract, listAlerts({ db, rules: [RULE] }))
    const session = openStore<Schema>({ url: db.url, schema: 'orchestrator', poolMax: 1, log })
    const sources = { bus, tenants: ['local'], budget: false }
    const delivering = deliverAlerts({ db, bus, log, webhooks, respond: async () => undefined })
    await bus.nc.flush()
    const exporting = exportFacts({ ...sources, db, session, log, registry: undefined, rules: [RULE] })
    const hurrying = every(50, async () => exporting.hurry(), { failed: '', log })
    return {
      async [Symbol.asyncDispose]() {
        await hurrying[Symbol.asyncDispose]()
        await exporting[Symbol.asyncDispose]()
        await session[Symbol.asyncDispose]()
        await delivering[Symbol.asyncDispose]()
      },
    }
  }
  const states = () => calls.map(({ data }) => data.state)
  {
    await using _first = await replica()
    await using _second = await replica()
    const operator = await mesh.bus('deed')
    await until(() => calls.length > 0)
    expect(calls[0]).toMatchObject({ severity: 'critical', message: expect.stringContaining('start one') })
    expect((await operator.call(contract, {})).alerts).toMatchObject([{ name: 'idle', state: 'firing' }])
  }
  await using _third = await replica()
  await db.query(
    'test.worker',
    `insert into agents (agent_id, status, capability, slots, running) values ('one', 'idle', 'act', 5, 0)`,
    [],
  )
  await until(() => calls.length > 1)
  expect(states()).toEqual(['firing', 'resolved'])

  await putSilence(db, { name: 'idle', until: new Date(Date.now() + 3_600_000).toISOString(), reason: '', by: 'me' })
  await db.query('test.gone', 'delete from agents', [])
  await until(async () => {
    const [row] = await db.query<{ reported: boolean }>('test.state', 'select reported from rule_states', [])
    return row?.reported === false
  })
  expect(states()).toEqual(['firing', 'resolved'])
  expect(await endSilence(db, 'idle')).toBe(true)
  await until(() => calls.length > 2)
  expect(states()).toEqual(['firing', 'resolved', 'firing'])
  expect(new Set(calls.map(({ alert_id: id }) => id)).size).toBe(3)
})

async function server(answer: (body: string, end: (status: number, _?: undefined) => void) => void) {
  const listening = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    answer(Buffer.concat(chunks).toString(), (status) =>
      response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(),
    )
  })
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      listening.closeAllConnections()
      await new Promise((resolve) => listening.close(resolve))
    },
  }
}
