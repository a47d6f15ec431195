// Services with the preload, each in its own process, that export to a collector which records what it receives.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { samplingRatio } from './recorder.ts'
import { startCollector, startServer } from './test-collector.ts'
import { parseTraceparent, traceparentIn } from './trace-context.ts'

const SAMPLED = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

const CALLER = `
  import { startSpan } from '@deed/telemetry/span'
  import { shutdownTelemetry } from '@deed/telemetry/shutdown'
  const root = startSpan('process execution.request', { kind: 'server', attributes: { 'messaging.system.name': 'nats' } })
  root.setExecution('0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000')
  startSpan('plan', { parent: root.trace }).end()
  console.log(JSON.stringify({ trace: root.trace, traceId: root.traceId }))
  root.end()
  await shutdownTelemetry()
`

const CALLED = `
  import { keepTrace, startSpan } from '@deed/telemetry/span'
  import { shutdownTelemetry } from '@deed/telemetry/shutdown'
  import { registerSecret } from '@deed/telemetry/redact'
  registerSecret('canary-7f3b9c41')
  const span = startSpan('process work.act', { parent: process.env.PARENT, kind: 'consumer' })
  span.setAttribute('deed.count', 3)
  span.setAttribute('deed.command', 'login canary-7f3b9c41')
  span.setAttribute('deed.arguments', ['--password', 'canary-7f3b9c41'])
  span.addEvent('claimed', { 'deed.claim': 'logged in with canary-7f3b9c41' })
  span.addLink({ traceId: span.traceId, spanId: '00f067aa0ba902b7', attributes: { why: 'canary-7f3b9c41' } })
  span.fail(Object.assign(new Error('refused canary-7f3b9c41'), { code: 'denied' }))
  span.end()
  if (process.env.KEEP) keepTrace(span.traceId)
  if (process.env.KEEP) startSpan('later', { parent: span.trace }).end()
  await shutdownTelemetry()
`

interface Root {
  trace: string
  traceId: string
}

describe('a trace', () => {
  it('has one root and its children across processes, with events and links, and no secrets', async () => {
    await using collector = await startCollector()
    const called = await runService('orchestrator', CALLER, collector.env)
    const root = JSON.parse(called.stdout) as Root
    await runService('executor', CALLED, { ...collector.env, PARENT: root.trace })

    const spans = collector.spans()
    const byName = Object.fromEntries(spans.map((span) => [span.name, span]))
    expect(spans.map(({ name }) => name).sort()).toEqual(['plan', 'process execution.request', 'process work.act'])
    for (const span of spans) {
      expect(span.traceId).toBe(root.traceId)
      expect(span.endMs).toBeGreaterThanOrEqual(span.startMs)
      expect(span.startMs).toBeGreaterThan(Date.parse('2024-01-01'))
    }
    const { spanId } = byName['process execution.request']!
    expect(byName['process execution.request']).toMatchObject({
      ...{ service: 'orchestrator', parentSpanId: '', kind: 2, status: 0 },
      attributes: { 'messaging.system.name': 'nats', 'deed.execution.id': '0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000' },
    })
    expect(spanId).toBe(parseTraceparent(traceparentIn(root.trace))?.spanId)
    expect(byName.plan).toMatchObject({ service: 'orchestrator', parentSpanId: spanId, kind: 1 })
    expect(byName['process work.act']).toMatchObject({
      ...{ service: 'executor', parentSpanId: spanId, kind: 5, status: 2, message: 'refused [redacted]' },
      attributes: {
        'deed.execution.id': '0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000',
        'deed.count': 3,
        'deed.command': 'login [redacted]',
        'deed.arguments': ['--password', '[redacted]'],
        'error.type': 'denied',
      },
      events: [
        { name: 'claimed', attributes: { 'deed.claim': 'logged in with [redacted]' } },
        { name: 'exception', attributes: { 'exception.type': 'denied', 'exception.message': 'refused [redacted]' } },
      ],
      links: [{ traceId: root.traceId, spanId: '00f067aa0ba902b7' }],
    })
    expect(collector.received()).not.toContain('canary')
  })

  it('without sampling has ids and is not exported, unless it is kept', async () => {
    await using collector = await startCollector()
    const unsampled = { ...collector.env, OTEL_TRACES_SAMPLER_ARG: '0' }
    const { stdout } = await runService('orchestrator', CALLER, unsampled)
    const root = JSON.parse(stdout) as Root
    expect(parseTraceparent(traceparentIn(root.trace))).toMatchObject({ traceId: root.traceId, sampled: false })
    // The root's sampling decision holds for a process that would sample everything.
    await runService('executor', CALLED, { ...collector.env, PARENT: root.trace })
    expect(collector.spans()).toEqual([])
    // What was recorded before it is kept, and what comes later.
    await runService('executor', CALLED, { ...unsampled, PARENT: root.trace, KEEP: '1' })
    expect(collector.spans().map(({ name }) => name)).toEqual(['process work.act', 'later'])
    // A trace that was sampled elsewhere is exported by a process that samples no roots.
    await runService('executor', CALLED, { ...unsampled, PARENT: SAMPLED })
    expect(collector.spans().at(-1)).toMatchObject({ name: 'process work.act', traceId: SAMPLED.slice(3, 35) })
  })

  it('does not delay a drain when the collector does not answer', async () => {
    await using silent = await startServer(() => {})
    const { stdout } = await runService(
      'orchestrator',
      `import { startSpan } from '@deed/telemetry/span'
       import { shutdownTelemetry } from '@deed/telemetry/shutdown'
       startSpan('execution.submit').end()
       await shutdownTelemetry()
       console.log('drained')
       process.exit(0)`,
      // The SDK's own default would exceed the test's time limit.
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: silent.url,
        OTEL_EXPORTER_OTLP_TIMEOUT: '600000',
        OTEL_BSP_EXPORT_TIMEOUT: '600000',
      },
    )
    expect(stdout).toBe('drained\n')
  })
})

describe('the preload', () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }

  it.each([
    ['no collector is named', {}],
    ['the collector has no name', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
    ['tracing is disabled', { ...endpoint, OTEL_SDK_DISABLED: 'TRUE' }],
  ])('loads nothing but itself when %s', async (_, env) => {
    expect(await loadedFiles(env)).toEqual([expect.stringMatching(/telemetry\/src\/preload\.ts$/)])
  })

  it('loads the SDK when a collector is named', async () => {
    expect(await loadedFiles(endpoint)).toContainEqual(expect.stringContaining('@opentelemetry/sdk-trace'))
  })

  it('refuses an unknown sampler', async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_TRACES_SAMPLER_ARG: '1.5' }
    await expect(runService('orchestrator', '', env)).rejects.toThrow('OTEL_TRACES_SAMPLER_ARG is 1.5')
  })
})

describe('the sampling ratio', () => {
  it.each([
    [{}, 1],
    [{ OTEL_TRACES_SAMPLER_ARG: '0.1' }, 0.1],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, 0],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_on', OTEL_TRACES_SAMPLER_ARG: '0.1' }, 1],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, 0],
  ])('follows the standard variables: %j', (env, ratio) => {
    expect(samplingRatio(env)).toBe(ratio)
  })

  it.each([{ OTEL_TRACES_SAMPLER: 'xray' }, { OTEL_TRACES_SAMPLER_ARG: 'all' }, { OTEL_TRACES_SAMPLER_ARG: '-1' }])(
    'is refused for invalid variables: %j',
    (env) => {
      expect(() => samplingRatio(env)).toThrow(Object.keys(env)[0])
    },
  )
})

/** Every JavaScript or TypeScript file, CommonJS or ESM, that a service with the preload loads. */
async function loadedFiles(env: NodeJS.ProcessEnv): Promise<string[]> {
  const script = `
    import { Session } from 'node:inspector/promises'
    const session = new Session()
    session.connect()
    const urls = []
    session.on('Debugger.scriptParsed', ({ params }) => urls.push(params.url))
    await session.post('Debugger.enable')
    console.log(JSON.stringify(urls))`
  const { stdout } = await runService('orchestrator', script, env)
  return (JSON.parse(stdout) as string[]).filter((url) => /^(?:file:|\/).*\.[cm]?[jt]s$/.test(url))
}

function runService(name: string, script: string, env: NodeJS.ProcessEnv): Promise<{ stdout: string }> {
  const options = ['--import', '@deed/telemetry/preload', '--input-type=module', '--eval', script]
  return promisify(execFile)(process.execPath, options, {
    cwd: import.meta.dirname,
    env: { PATH: process.env.PATH, OTEL_SERVICE_NAME: name, ...env },
  })
}
