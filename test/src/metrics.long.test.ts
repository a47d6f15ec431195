// What Prometheus is told by a real mesh with two orchestrators: each metric of the table, once.
import { ask } from '@deed/drill/harness/ask'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { until } from '@deed/process/until'
import { decideApproval, listApprovals } from '@deed/proto/approval'
import { linkConsole } from '@deed/proto/console'
import type { ServiceName } from '@deed/proto/contract'
import { SERVICES } from '@deed/proto/contract'
import { requestExecution } from '@deed/proto/execution'
import { readMetrics } from '@deed/proto/metric-samples'
import { METRICS, type MetricFacts } from '@deed/proto/metrics'
import { listRoles } from '@deed/proto/organization'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startFakeOllama } from '../fake-ollama/start-fake-ollama.ts'
import { type Family, PROMTOOL, promtool, readOpenMetrics, SKIPPED } from './open-metrics.ts'

const OPEN_METRICS = { accept: 'application/openmetrics-text; version=1.0.0' }
const TABLE = Object.entries<MetricFacts>(METRICS)
const ENDED = 100_000
const BYTES_MAX = 200_000
const SCRAPE_MS_MAX = 20

let under: MeshUnderTest
let opened: AsyncDisposableStack
beforeAll(async () => {
  opened = new AsyncDisposableStack()
  const model = opened.use(
    await startFakeOllama({
      answer: (_, index) => ({
        json: {
          actions: [{ kind: 'file.write', name: 'w', title: 'write', input: { path: `m${index}.txt`, content: 'x' } }],
        },
      }),
    }),
  )
  under = opened.use(
    await meshUnderTest({
      copies: { orchestrator: 2 },
      env: { METRICS_PORT: '0', OLLAMA_HOST: model.url },
      config: 'models: { budget_usd_per_day: 1 }\nprovided_kinds: [lamp.switch]\n',
    }),
  )
}, 120_000)
afterAll(() => opened?.disposeAsync())

const scrape = async (service: ServiceName, copy = 0): Promise<Map<string, Family>> =>
  readOpenMetrics(await textOf(service, copy, OPEN_METRICS))

async function textOf(service: ServiceName, copy = 0, headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(under.mesh.service(service, copy).metricsUrl ?? '', { headers })
  expect(response.status).toBe(200)
  return response.text()
}

/** The name of a family in OpenMetrics. */
const familyOf = (name: string): string => name.replace(/_total$/, '')

const exporter = async (): Promise<number> =>
  until(async () => {
    for (const copy of [0, 1])
      if ((await scrape('orchestrator', copy)).get('deed_exporter')?.samples.length) return copy
    return undefined
  })

describe('the metrics of a mesh', () => {
  it('are those of the table, each emitted by the services that it names', async () => {
    const { client } = under
    expect(await ask(client, { task: 'write "x" to a.txt', idempotency_key: 'a' })).toMatchObject({ status: 'done' })
    for (const idempotency_key of ['b', 'c']) await ask(client, { task: 'read a.txt', idempotency_key })
    const reply = await client.call(requestExecution, { task: 'Please compose a verse about it', mode: 'background' })
    const approval = await until(async () => (await client.call(listApprovals, {})).approvals[0])
    await client.call(
      decideApproval,
      { approval_id: approval.approval_id, decision: 'approve', plan_hash: approval.plan_hash },
      { principal: { tenant: 'local', user: 'approver' } },
    )
    await until(async () => {
      const { rows } = await under.database.query(
        `select from orchestrator.executions where execution_id = $1 and status = 'done'`,
        [reply.execution_id],
      )
      return rows.length > 0
    })
    await client.call(linkConsole, { user: 'user', role: 'viewer' })
    await client.call(listRoles, {})
    const holder = await exporter()
    const missing: string[] = []
    for (const service of SERVICES) {
      const copies = service === 'orchestrator' ? [0, 1] : [0]
      const found = await Promise.all(copies.map((copy) => scrape(service, copy)))
      for (const [name, { of, by, type, help, only }] of TABLE) {
        if (of === 'database' || !by?.includes(service)) continue
        const families = found.flatMap((one) => one.get(familyOf(name)) ?? [])
        expect(families[0]).toMatchObject({ type, help })
        const isUsed = families.some(({ samples }) => samples.length > 0)
        if (!isUsed && only === undefined) missing.push(`${service}: ${name}`)
      }
    }
    // Nothing was redelivered, refused, dropped or taken over here; other tests see to that.
    const unlikely = [
      ...['deed_redeliveries_total', 'deed_reports_refused_total', 'deed_lease_takeovers_total'],
      ...['deed_console_refusals_total', 'deed_console_dropped_events_total'],
    ]
    expect(missing.filter((one) => !unlikely.some((name) => one.endsWith(name)))).toEqual([])
    const facts = await scrape('orchestrator', holder)
    for (const [name, { of, type, help, only }] of TABLE) {
      if (of !== 'database') continue
      const family = facts.get(familyOf(name))
      expect(family).toMatchObject({ type, help })
      if (only === undefined && name !== 'deed_alerts_open') expect(family?.samples, name).not.toEqual([])
    }
    // The facts are read again after a while.
    await until(async () => {
      const later = await scrape('orchestrator', holder)
      const [budget] = later.get('deed_budget_used_ratio')?.samples ?? []
      const running = later.get('deed_services')?.samples.find(({ labels }) => labels.service === 'orchestrator')
      return budget?.labels.scope === 'day' && running?.value === 2
    })
  })

  it('have facts of the database at one orchestrator, and at another one after its end', async () => {
    const first = await exporter()
    const other = 1 - first
    expect([...(await scrape('orchestrator', other)).keys()]).not.toContain('deed_tasks')
    await under.mesh.service('orchestrator', first).stop()
    await until(async () => (await scrape('orchestrator', other)).has('deed_exporter'))
    await under.mesh.service('orchestrator', first).start()
  })

  it('have no label with words of the world', async () => {
    const known = new Map(TABLE.map(([name, { labels = {} }]) => [familyOf(name), labels]))
    for (const service of SERVICES) {
      for (const [name, { samples }] of await scrape(service)) {
        for (const { labels } of samples) {
          for (const [label, value] of Object.entries(labels)) {
            const allowed = label === 'le' ? { first: 1 } : known.get(name)?.[label]
            expect(allowed, `${name} ${label}`).toBeDefined()
            if (Array.isArray(allowed)) expect([...allowed, 'other']).toContain(value)
          }
        }
      }
    }
  })

  it.skipIf(PROMTOOL === undefined)(`are what promtool approves of${SKIPPED}`, async () => {
    for (const service of SERVICES) expect(promtool(['check', 'metrics'], await textOf(service))).toBe('')
  })

  it('are answered within milliseconds, and few bytes, with many executions', async () => {
    const { database, client } = under
    await database.query(
      `insert into orchestrator.executions
         (execution_id, user_name, request_hash, request, trace, status, followed_up, created_at, finished_at)
       select (lpad(to_hex((extract(epoch from now()) * 1000)::bigint - 10000000 + n), 12, '0') || '7000' || 'a' ||
               lpad(to_hex(n), 15, '0'))::uuid,
              'user', '', '{"task":"it"}', '', 'done', true, now(), now() from generate_series(1, $1::int) n`,
      [ENDED],
    )
    await database.query('analyze')
    const { samples } = await client.call(readMetrics, {})
    expect(samples.find(({ name }) => name === 'deed_executions_stuck')).toMatchObject({ value: 0 })
    const holder = await exporter()
    const times: number[] = []
    for (let n = 0; n < 20; n++) {
      const startedAt = performance.now()
      const text = await textOf('orchestrator', holder, OPEN_METRICS)
      times.push(performance.now() - startedAt)
      expect(text.length).toBeLessThan(BYTES_MAX)
    }
    // The fastest says what it costs; the others say how busy this machine is.
    expect(Math.min(...times)).toBeLessThan(SCRAPE_MS_MAX)
  })
})
