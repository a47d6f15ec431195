// One task through every service, each of which sends its spans to a collector: they are one trace.

import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { rollBack } from '@deed/drill/harness/roll-back'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { until } from '@deed/process/until'
import { decideApproval } from '@deed/proto/approval'
import { getExecution, requestExecution } from '@deed/proto/execution'
import { type ReceivedSpan, startCollector } from '@deed/telemetry/test-collector'
import { expect, it } from 'vitest'

const SERVICE = `
  import { createServer } from 'node:http'
  createServer((_, response) => response.end('ok')).listen(Number(process.env.PORT), '127.0.0.1')
`
const SERVICES = ['executor', 'hybrid-agent', 'orchestrator', 'semantic-cache', 'task-decomposer', 'template-optimizer']

it('a task that is agreed to and done is one trace with one root, through all services', async () => {
  await using opened = new AsyncDisposableStack()
  const collector = opened.use(await startCollector())
  const folder = opened.use(temporaryFolder())
  const port = await freePort()
  writeFileSync(join(folder.path, 'server.mjs'), SERVICE)
  const under = opened.use(
    await meshUnderTest({
      config: `
targets:
  frontdesk:
    type: process
    command: [node, server.mjs]
    cwd: ${folder.path}
    env: { PORT: "${port}" }
    health: { url: "http://127.0.0.1:${port}/" }
`,
      env: { ...collector.env, OTEL_TRACES_SAMPLER: 'parentbased_always_on', OTEL_BSP_SCHEDULE_DELAY: '100' },
    }),
  )
  const { client } = under
  const { execution_id } = await client.call(requestExecution, {
    task: 'start frontdesk',
    // Only then are the template DAG and the task DAG asked, though a rule knows the words.
    complexity: 'complex',
    mode: 'background',
  })
  const approval_id = await until(async () => (await client.call(getExecution, { execution_id })).approval_id)
  await client.call(decideApproval, { approval_id, decision: 'approve' })
  const detail = await until(async () => {
    const found = await client.call(getExecution, { execution_id })
    return found.status === 'done' && found
  })
  // Leaves no service behind that runs.
  opened.defer(async () => {
    await rollBack(client, execution_id)
    await until(async () => (await client.call(getExecution, { execution_id })).status === 'rolled_back')
  })

  // The decision is a trace of its own, begun by the person who decides; what was asked for is all in one.
  const inTrace = (): ReceivedSpan[] => collector.spans().filter(({ traceId }) => traceId === detail.trace_id)
  await until(() => SERVICES.every((service) => inTrace().some((span) => span.service === service)), {
    what: 'a span of every service',
  })
  const orphans = (spans: ReceivedSpan[]) => {
    const ids = new Set(spans.map(({ spanId }) => spanId))
    return spans.filter(({ parentSpanId }) => parentSpanId !== '' && !ids.has(parentSpanId))
  }
  // Spans leave when they end, so a child may come before its parent.
  await until(() => orphans(inTrace()).length === 0, { what: 'a parent for every span' })
  const spans = inTrace()
  expect([...new Set(spans.map(({ service }) => service))].sort()).toEqual(SERVICES)
  expect(spans.filter(({ parentSpanId }) => parentSpanId === '')).toMatchObject([
    { name: 'execution.request', service: 'orchestrator' },
  ])
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length)
  const names = spans.map(({ service, name }) => `${service}: ${name}`)
  expect(names).toEqual(
    expect.arrayContaining([
      'semantic-cache: cache.get',
      'template-optimizer: template.select',
      'task-decomposer: task.decompose',
      'hybrid-agent: agent.process',
      'executor: action.inspect',
      'executor: work.act process',
      'orchestrator: task.report',
    ]),
  )
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  await new Promise((closed) => server.close(closed))
  return port
}
