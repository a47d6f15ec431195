// Real servers: NATS, PostgreSQL, and a webhook that answers as it is told.
import { createHmac, randomUUID } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { testBus } from '@deed/local/test-bus'
import { raiseAlert } from '@deed/mesh/raise-alert'
import { until } from '@deed/process/until'
import { ExecutionId } from '@deed/proto/ids'
import { testDatabase } from '@deed/store/test-database'
import { createLogger } from '@deed/telemetry/logger'
import { installRecorder, startSpan } from '@deed/telemetry/span'
import { type SpanData, spanData } from '@deed/telemetry/span-data'
import { describe, expect, it } from 'vitest'
import { migrations } from '../store/migrations.ts'
import type { Schema } from '../store/schema.ts'
import { deliverAlerts } from './deliver-alerts.ts'
import { webhooksOf } from './webhooks-of.ts'

const log = createLogger('test')
const SECRET = 'a-key-for-signatures'

const respond = async (): Promise<void> => undefined

describe('alerts', () => {
  it('reach a webhook once for each cause, signed, whichever replica hears them', async () => {
    await using opened = new AsyncDisposableStack()
    const mesh = opened.use(await testBus())
    const db = opened.use(await testDatabase<Schema>('orchestrator', migrations))
    const hook = opened.use(await webhook([500, 200]))
    const webhooks = webhooksOf([{ url_env: 'HOOK_URL', secret_env: 'HOOK_KEY', names: ['human-review', 'second'] }], {
      HOOK_URL: hook.url,
      HOOK_KEY: SECRET,
    })
    for (let replica = 0; replica < 2; replica++) {
      const bus = await mesh.bus('orchestrator')
      opened.use(deliverAlerts({ db, bus, log, webhooks, respond }))
      await bus.nc.flush()
    }
    const source = await mesh.bus('orchestrator')
    const review = { name: 'human-review', severity: 'warning', tenant: 'local', message: 'look at it' } as const
    for (let time = 0; time < 5; time++) raiseAlert(source, { ...review, cause: 'task 1' })
    raiseAlert(source, { ...review, name: 'unwanted', cause: '' })
    // Its first try was refused.
    await until(() => hook.calls.length === 2)
    raiseAlert(source, { ...review, name: 'second', cause: '' })
    await until(() => hook.calls.length === 3)
    await until(async () => (await undelivered(db)) === 0)
    const names = hook.calls.map(({ body }) => (JSON.parse(body) as { name: string }).name)
    expect(names).toEqual(['human-review', 'human-review', 'second'])
    for (const { body, headers } of hook.calls) {
      const [, seconds, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['deed-signature'])) ?? []
      expect(signature).toBe(createHmac('sha256', SECRET).update(`${seconds}.${body}`).digest('hex'))
      expect(headers['deed-alert-id']).toBe((JSON.parse(body) as { alert_id: string }).alert_id)
    }
  })

  it('are delivered in a trace of their own, linked to what raised them, with a span for each try', async () => {
    await using opened = new AsyncDisposableStack()
    const mesh = opened.use(await testBus())
    const db = opened.use(await testDatabase<Schema>('orchestrator', migrations))
    const hook = opened.use(await webhook([500, 200]))
    const exported: SpanData[] = []
    installRecorder({ ratio: 1, export: (span) => exported.push(spanData(span)), shutdown: async () => undefined })
    opened.defer(() => installRecorder(undefined))
    const bus = await mesh.bus('orchestrator')
    opened.use(
      deliverAlerts({ db, bus, log, webhooks: webhooksOf([{ url_env: 'HOOK_URL' }], { HOOK_URL: hook.url }), respond }),
    )
    await bus.nc.flush()
    const execution = startSpan('process execution.request')
    const executionId = ExecutionId.parse(randomUUID())
    execution.setExecution(executionId)
    const failed = { name: 'execution-failed', severity: 'warning', tenant: 'local', message: 'it failed' } as const
    raiseAlert(bus, { ...failed, executionId, trace: execution.trace })
    execution.end()
    const named = (name: string) => exported.filter((span) => span.name === name)
    // What was tried leaves the process together with it.
    const delivery = await until(() => named('process alerts.*.*')[0])
    const [sent] = named('send alerts.*.*')
    expect(sent).toMatchObject({ trace_id: execution.traceId, parent_id: execution.spanId, kind: 'producer' })
    expect(delivery).toMatchObject({
      ...{ parent_id: null, kind: 'consumer', failed: false },
      attributes: {
        'deed.execution.id': executionId,
        'messaging.destination.name': 'alerts.local.execution-failed',
        'messaging.consumer.group.name': 'alerts',
      },
      links: [{ trace_id: execution.traceId, span_id: sent?.span_id, attributes: { 'deed.link': 'creation' } }],
    })
    expect(delivery.trace_id).not.toBe(execution.traceId)
    const tries = named('POST')
    expect(tries).toMatchObject([
      { kind: 'client', failed: true, attributes: { 'http.response.status_code': 500, 'error.type': '500' } },
      {
        kind: 'client',
        failed: false,
        attributes: { 'http.response.status_code': 200, 'http.request.resend_count': 1 },
      },
    ])
    for (const { parent_id, attributes } of tries) {
      expect(parent_id).toBe(delivery.span_id)
      expect(attributes['deed.execution.id']).toBe(executionId)
    }
    // Its address may be a secret.
    const { port } = new URL(hook.url)
    expect(JSON.stringify([delivery, ...tries])).not.toContain(port)
  })

  it('that a replica left undelivered are delivered by the next one', async () => {
    await using opened = new AsyncDisposableStack()
    const mesh = opened.use(await testBus())
    const db = opened.use(await testDatabase<Schema>('orchestrator', migrations))
    const away = opened.use(await webhook([500]))
    const source = await mesh.bus('orchestrator')
    {
      await using _ = deliverAlerts({ db, bus: source, log, webhooks: webhooksOf([{ url: away.url }], {}), respond })
      await source.nc.flush()
      raiseAlert(source, { name: 'late', severity: 'critical', tenant: 'local', message: 'x' })
      await until(() => away.calls.length === 1)
    }
    expect(await undelivered(db)).toBe(1)
    await db.query('test.age', `update alerts set taken_at = now() - interval '11 minutes'`, [])
    const hook = opened.use(await webhook([200]))
    opened.use(deliverAlerts({ db, bus: source, log, webhooks: webhooksOf([{ url: hook.url }], {}), respond }))
    await until(async () => hook.calls.length === 1 && (await undelivered(db)) === 0)
  })

  it('have no webhook whose address or key is not there', () => {
    expect(() => webhooksOf([{ url_env: 'HOOK_URL' }], {})).toThrow('HOOK_URL')
    expect(() => webhooksOf([{ url: 'http://127.0.0.1', secret_env: 'HOOK_KEY' }], {})).toThrow('HOOK_KEY')
    expect(() => webhooksOf([{ url_env: 'HOOK_URL' }], { HOOK_URL: 'file:///etc/passwd' })).toThrow('http')
  })
})

async function undelivered(db: Awaited<ReturnType<typeof testDatabase<Schema>>>): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    'test.undelivered',
    'select count(*)::int as count from alerts where delivered_at is null',
    [],
  )
  return row?.count ?? -1
}

/** Answers with these one after another; the last one repeats. */
async function webhook(answers: number[]) {
  const calls: { body: string; headers: IncomingHttpHeaders }[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    calls.push({ body, headers: request.headers })
    response.writeHead(answers[Math.min(calls.length, answers.length) - 1] ?? 500).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    calls,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
