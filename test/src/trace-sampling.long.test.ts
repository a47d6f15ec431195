// A mesh that samples no trace: what failed or waited for a person is exported all the same, and `deed trace` reads any.

import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { type MeshUnderTest, meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { gatherTrace } from '@deed/mesh/traces'
import { until } from '@deed/process/until'
import { decideApproval } from '@deed/proto/approval'
import { getExecution, requestExecution } from '@deed/proto/execution'
import { startCollector } from '@deed/telemetry/test-collector'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectWhole, receivedTrace } from './received-trace.ts'

const DEED = resolve(import.meta.dirname, '../../libs/cli/src/main.ts')

const opened = new AsyncDisposableStack()
let collector: Awaited<ReturnType<typeof startCollector>>
let under: MeshUnderTest

beforeAll(async () => {
  collector = opened.use(await startCollector())
  const env = { ...collector.env, OTEL_TRACES_SAMPLER: 'parentbased_always_off', OTEL_BSP_SCHEDULE_DELAY: '100' }
  under = opened.use(await meshUnderTest({ env }))
})
afterAll(() => opened.disposeAsync())

/** @returns what it printed */
async function deed(...words: string[]): Promise<string> {
  const args = [DEED, '--data-dir', under.mesh.dataDir, ...words]
  return (await promisify(execFile)(process.execPath, args, { env: { ...process.env, NO_COLOR: '1' } })).stdout
}

describe('without sampling', () => {
  it('an execution that failed is exported whole, and one that was done is not', async () => {
    const { client } = under
    const done = await client.call(requestExecution, { task: 'write "hello" to notes.txt' })
    const failed = await client.call(requestExecution, { task: 'read missing.txt' })
    expect([done.status, failed.status]).toEqual(['done', 'failed'])
    const spans = await receivedTrace(collector, failed.trace_id, ['process work.act', 'process task.report', 'plan'])
    expect(expectWhole(spans, failed.execution_id).status).toBe(2)
    expect(collector.spans().filter(({ traceId }) => traceId === done.trace_id)).toEqual([])
  })

  it('an execution that waited for a person is exported whole', async () => {
    const { client } = under
    const { execution_id } = await client.call(requestExecution, {
      task: 'run `node -e "process.exit(0)"`',
      mode: 'background',
    })
    const approval_id = await until(async () => (await client.call(getExecution, { execution_id })).approval_id)
    await client.call(decideApproval, { approval_id, decision: 'deny' })
    const { trace_id } = await client.call(getExecution, { execution_id })
    const spans = await receivedTrace(collector, trace_id, ['wait approval', 'process approval.decide', 'plan'])
    expect(expectWhole(spans, execution_id).attributes['deed.execution.status']).toBe('denied')
  })
})

describe('deed trace', () => {
  it('shows a trace that was never exported, with the link that was asked for', async () => {
    const { execution_id, trace_id } = await under.client.call(requestExecution, { task: 'write "again" to again.txt' })
    await until(async () => {
      const spans = (await gatherTrace(under.client.nc, trace_id)).flatMap(({ spans }) => spans)
      return ['process execution.request', 'process work.act'].every((name) => spans.some((span) => span.name === name))
    })
    const text = await deed('trace', execution_id)
    expect(text).toMatch(/^process execution\.request +orchestrator +\d+ m?s █+$/m)
    expect(text).toMatch(/^│? +└─ process work\.act +executor +\d+ m?s +█+$/m)
    expect(text).toMatch(/├─ act file\.write +executor/)
    expect(text).not.toContain('orchestrator.admit')
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    expect(await deed('trace', trace_id, '--verbose')).toMatch(/claimed: wrote[\s\S]*observed: verified/)
    const found = JSON.parse(await deed('--json', 'trace', execution_id.slice(-12)))
    expect(found).toMatchObject({ trace_id, execution_id, url: null, omitted: 0 })
    const services = new Set(found.spans.map(({ service }: { service: string }) => service))
    expect([...services].sort()).toEqual(['executor', 'hybrid-agent', 'orchestrator'])
  })

  it('says what remains of a trace that no process has in memory', async () => {
    await expect(deed('trace', 'f'.repeat(32))).rejects.toThrow(/in memory any longer.*deed show/)
    await expect(deed('trace', 'nonsense')).rejects.toThrow(/must be an id/)
  })
})
