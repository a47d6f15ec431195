// Services with the preload, each in its own process, that export to a collector which records what it receives.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { samplingRatio } from './recorder.ts'
import { startCollector, startServer } from './test-collector.ts'
import { parseTraceparent } from './trace-context.ts'

const SAMPLED = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

const CALLER = `
  import http from 'node:http'
  import { once } from 'node:events'
  import { startSpan } from '@deed/telemetry/span'
  import { shutdownTelemetry } from '@deed/telemetry/shutdown'
  const root = startSpan('execution.submit', { kind: 'server', attributes: { 'messaging.system': 'nats' } })
  await root.run(async () => {
    const [response] = await once(http.get(process.env.PING_URL), 'response')
    response.resume()
    await once(response, 'end')
  })
  console.log(JSON.stringify({ traceparent: root.traceparent, traceId: root.traceId }))
  root.end()
  await shutdownTelemetry()
`

const CALLED = `
  import { startSpan } from '@deed/telemetry/span'
  import { shutdownTelemetry } from '@deed/telemetry/shutdown'
  import { registerSecret } from '@deed/telemetry/redact'
  registerSecret('canary-7f3b9c41')
  const span = startSpan('work.act', { parent: process.env.PARENT, kind: 'consumer' })
  span.setAttribute('deed.execution_id', 'e-1')
  span.setAttribute('deed.command', 'login canary-7f3b9c41')
  span.setAttribute('deed.arguments', ['--password', 'canary-7f3b9c41'])
  span.fail(Object.assign(new Error('refused canary-7f3b9c41'), { code: 'denied' }))
  span.end()
  await shutdownTelemetry()
`

describe('a trace', () => {
  it('has one root and its children across processes, and no secrets', async () => {
    await using collector = await startCollector()
    const called = await runService('orchestrator', CALLER, collector.env)
    const root = JSON.parse(called.stdout) as { traceparent: string; traceId: string }
    await runService('executor', CALLED, { ...collector.env, PARENT: root.traceparent })

    const spans = collector.spans()
    const byName = Object.fromEntries(spans.map((span) => [span.name, span]))
    expect(spans.map(({ name }) => name).sort()).toEqual(['GET', 'execution.submit', 'work.act'])
    for (const span of spans) expect(span.traceId).toBe(root.traceId)
    expect(byName['execution.submit']).toMatchObject({ service: 'orchestrator', parentSpanId: '', kind: 2, status: 0 })
    expect(byName['execution.submit']!.spanId).toBe(parseTraceparent(root.traceparent)?.spanId)
    // Spans of an instrumented library are children, and propagate the trace context.
    expect(byName.GET).toMatchObject({
      service: 'orchestrator',
      parentSpanId: byName['execution.submit']!.spanId,
      kind: 3,
    })
    expect(collector.pings).toEqual([`00-${root.traceId}-${byName.GET!.spanId}-01`])
    expect(byName['work.act']).toMatchObject({
      service: 'executor',
      parentSpanId: byName['execution.submit']!.spanId,
      kind: 5,
      status: 2,
    })
    expect(byName['work.act']!.strings).toEqual(
      expect.arrayContaining(['e-1', 'login [redacted]', '--password', 'denied', 'refused [redacted]']),
    )
    expect(collector.received()).not.toContain('canary')
  })

  it('without sampling is not recorded but has an id', async () => {
    await using collector = await startCollector()
    const unsampled = { ...collector.env, OTEL_TRACES_SAMPLER_ARG: '0' }
    const { stdout } = await runService('orchestrator', CALLER, unsampled)
    const root = JSON.parse(stdout) as { traceparent: string; traceId: string }
    expect(parseTraceparent(root.traceparent)).toMatchObject({ traceId: root.traceId, sampled: false })
    // The root's sampling decision holds for a process that would sample everything.
    await runService('executor', CALLED, { ...collector.env, PARENT: root.traceparent })
    expect(collector.spans()).toEqual([])
    // A trace that was sampled elsewhere is recorded by a process that samples no roots.
    await runService('executor', CALLED, { ...unsampled, PARENT: SAMPLED })
    expect(collector.spans().map(({ name }) => name)).toEqual(['work.act'])
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
    expect(await loadedFiles(endpoint)).toContainEqual(expect.stringContaining('@opentelemetry/sdk-node'))
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
    env: { PATH: process.env.PATH, OTEL_SERVICE_NAME: name, PING_URL: 'http://127.0.0.1:9/', ...env },
  })
}
