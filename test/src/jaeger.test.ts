// A real Jaeger, asked through its query API what it understood of the spans of a mesh.

import { meshUnderTest } from '@deed/drill/harness/mesh-under-test'
import { freePort } from '@deed/local/kept-port'
import { until } from '@deed/process/until'
import { requestExecution } from '@deed/proto/execution'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { findJaeger, startJaeger } from '../jaeger/start-jaeger.ts'
import { isWhole, parentsOf, Traces } from '../jaeger/traces.ts'

const Names = z.object({ data: z.array(z.string()).nullable() })
const Edges = z.object({ data: z.array(z.object({ parent: z.string(), child: z.string() })) })
/** The last of what is asked for below, of each service. */
const LEAVES = ['process agent.process', 'process cache.get', 'process task.report', 'process work.act']

const program = findJaeger(process.env)

it.skipIf(program === undefined)(
  `Jaeger shows an execution as one trace, the services that took part, and who called whom${program ? '' : ' (skipped: needs jaeger on the PATH or in JAEGER_BIN; npm run jaeger builds it with Go)'}`,
  async () => {
    await using jaeger = await startJaeger(program!, { query: await freePort(), otlp: await freePort() })
    await using under = await meshUnderTest({
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: jaeger.collectorUrl,
        OTEL_TRACES_SAMPLER: 'parentbased_always_on',
        OTEL_BSP_SCHEDULE_DELAY: '100',
      },
    })
    const reply = await under.client.call(requestExecution, { task: 'write "hello" to notes.txt' })
    expect(reply.status).toBe('done')
    const ask = async (path: string): Promise<unknown> => (await fetch(`${jaeger.url}/api/${path}`)).json()
    const spans = await until(async () => {
      const [trace] = Traces.parse(await ask(`traces/${reply.trace_id}`)).data
      return trace && isWhole(trace, LEAVES) && trace.spans
    })

    const ids = new Set(spans.map(({ spanID }) => spanID))
    expect(spans.filter((span) => parentsOf(span).length === 0).map(({ operationName }) => operationName)).toEqual([
      'process execution.request',
    ])
    for (const span of spans) {
      for (const parent of parentsOf(span)) expect(ids).toContain(parent)
      expect(span.warnings ?? []).toEqual([])
      expect(span.tags).toContainEqual(expect.objectContaining({ key: 'deed.execution.id', value: reply.execution_id }))
    }

    const services = ['executor', 'hybrid-agent', 'orchestrator', 'semantic-cache']
    expect(Names.parse(await ask('services')).data?.sort()).toEqual(services)
    expect(Names.parse(await ask('services/executor/operations')).data).toEqual(
      expect.arrayContaining(['process work.act', 'act file.write', 'observe file.write', 'request task.report']),
    )
    const edges = Edges.parse(await ask(`dependencies?endTs=${Date.now() + 60_000}&lookback=3600000`)).data
    const between = edges.filter(({ parent, child }) => parent !== child).map(({ parent, child }) => [parent, child])
    expect(between.sort()).toEqual([
      ['executor', 'orchestrator'],
      ['orchestrator', 'executor'],
      ['orchestrator', 'hybrid-agent'],
      ['orchestrator', 'semantic-cache'],
    ])
    // A search by latency finds it by how long it took, not by how long it took to accept it.
    const found = async (minDuration: string) =>
      Traces.parse(
        await ask(
          `traces?service=orchestrator&operation=${encodeURIComponent('process execution.request')}&minDuration=${minDuration}`,
        ),
      ).data.map(({ traceID }) => traceID)
    const root = spans.find(({ operationName }) => operationName === 'process execution.request')!
    expect(await found(`${Math.floor(root.duration / 1_000)}ms`)).toEqual([reply.trace_id])
    expect(await found(`${Math.ceil(root.duration / 1_000) + 1}ms`)).toEqual([])
    const work = spans.find(({ operationName }) => operationName === 'process work.act')!
    expect(root.duration).toBeGreaterThan(work.duration / 2)
  },
)
