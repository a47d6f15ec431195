/** Serves the metrics and the health of a process over HTTP, where a port is set. */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { ServiceName } from '@deed/proto/contract'
import type { Log } from '@deed/telemetry/logger'
import type { MetricRegistry } from '@deed/telemetry/metric-registry'
import { z } from 'zod'
import { listenAt } from './http-server.ts'
import { openProbes, type Probe, type Probes } from './readiness.ts'

/** Of the release. */
export const { version: DEED_VERSION } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')))

/** Spread into the schema of a service's environment. */
export const MetricsEnvironment = {
  /** The port for Prometheus; 0: any free one, which is logged. Absent: metrics are not served. */
  METRICS_PORT: z.preprocess((text) => text || undefined, z.coerce.number().int().min(0).max(65_535).optional()),
  /** The address for Prometheus. Absent: 127.0.0.1. */
  METRICS_HOST: z.preprocess((text) => text || undefined, z.string().default('127.0.0.1')),
  /** What was built, for the metric `deed_build_info`. */
  DEED_REVISION: z.string().default('unknown'),
}
const Settings = z.object(MetricsEnvironment)
type Settings = z.output<typeof Settings>

/** The message of a service to its parent with the address of its metrics. */
export const MetricsServed = z.object({ metrics: z.url() })

export interface MetricsServer extends AsyncDisposable {
  /** Undefined where metrics are not served. */
  readonly registry: MetricRegistry | undefined
  /** Adds what the service needs to `/readyz`, by the names of the parts. */
  readyIf(probes: Readonly<Record<string, Probe>>): void
}

interface Shared {
  registry: MetricRegistry
  probes: Probes
  close(): Promise<void>
}

/** Of this process: several services may share one, which answers once. */
let shared: { server: Promise<Shared>; users: number } | undefined

/**
 * Answers `GET /metrics`; `GET /livez`, which asks nothing but the event loop; and `GET /readyz`, with 200 or 503 and each
 * check. Without a port nothing is served, and nothing is loaded. Services that share a process answer at the port of the
 * first one.
 *
 * @throws {ConfigError} if the port or the address cannot be bound
 */
export async function serveMetrics(
  service: ServiceName,
  log: Log,
  { METRICS_PORT: port, METRICS_HOST: host, DEED_REVISION: revision }: Settings,
): Promise<MetricsServer> {
  if (port === undefined)
    return { registry: undefined, readyIf: () => undefined, [Symbol.asyncDispose]: () => Promise.resolve() }
  shared ??= { server: listen(log, { host, port }), users: 0 }
  const of = shared
  of.users++
  const { registry, probes, close } = await of.server.catch((error: unknown) => {
    shared = undefined
    throw error
  })
  registry.addBuild({ service, version: DEED_VERSION, revision })
  return {
    registry,
    readyIf: (needed) => probes.add(service, needed),
    async [Symbol.asyncDispose]() {
      if (--of.users > 0) return
      shared = undefined
      await close()
    },
  }
}

async function listen(log: Log, { host, port }: { host: string; port: number }): Promise<Shared> {
  const { openMetrics } = await import('@deed/telemetry/metric-registry')
  const registry = openMetrics()
  const probes = openProbes()
  const server = createServer((request, response) => {
    answer(request, response, { registry, probes }).catch((error: unknown) => {
      log.warn({ err: error }, 'answering over HTTP failed')
      response.writeHead(503).end()
    })
  })
  const bound = await listenAt(
    server,
    { host, port },
    (cause) =>
      `cannot listen on port ${port} for metrics on ${host} (${cause}); change observability.metrics_port or METRICS_PORT, or metrics_host or METRICS_HOST`,
  )
  // A connection that could not be accepted, for lack of file descriptors.
  server.on('error', (error) => log.warn({ err: error }, 'a request over HTTP was not accepted'))
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${bound}/metrics`
  log.info({ url }, 'metrics are served')
  const served: z.output<typeof MetricsServed> = { metrics: url }
  process.send?.(served)
  return {
    registry,
    probes,
    async close() {
      registry[Symbol.dispose]()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(
  { url, headers }: IncomingMessage,
  response: ServerResponse,
  { registry, probes }: Omit<Shared, 'close'>,
): Promise<void> {
  if (url === '/metrics') {
    const { contentType, body } = await registry.text(headers.accept)
    response.setHeader('content-type', contentType).end(body)
  } else if (url === '/livez') {
    response.end('ok\n')
  } else if (url === '/readyz') {
    const readiness = await probes.read()
    response.writeHead(readiness.ready ? 200 : 503, { 'content-type': 'application/json' })
    response.end(`${JSON.stringify(readiness)}\n`)
  } else {
    response.writeHead(404).end()
  }
}
