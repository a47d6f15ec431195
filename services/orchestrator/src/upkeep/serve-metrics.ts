/** Metrics of all tenants for Prometheus, computed at each request. */
import { createServer } from 'node:http'
import { ConfigurationError } from '@deed/process/configuration-error'
import type { ExecutionStats } from '@deed/proto/execution'
import type { Log } from '@deed/telemetry/logger'
import type { WorkQueues } from '../dispatch/keep-work-queues.ts'
import type { Database } from '../store/schema.ts'
import { readStatistics } from '../store/statistics.ts'

/**
 * Answers `GET /metrics` in the text format, `GET /healthz`, and `GET /readyz` with what is missing.
 *
 * @throws {ConfigurationError} if the port or the address cannot be bound
 */
export async function serveMetrics(
  db: Database,
  log: Log,
  { host, port }: { host: string; port: number },
  queues: WorkQueues,
  reportsRefused: { readonly count: number },
): Promise<AsyncDisposable> {
  const server = createServer((request, response) => {
    if (request.url === '/healthz') return void response.end('ok\n')
    if (request.url === '/readyz') {
      readiness(db, queues).then(
        (missing) => response.writeHead(missing.length === 0 ? 200 : 503).end(`${missing.join('\n') || 'ready'}\n`),
        () => response.writeHead(503).end('PostgreSQL does not answer\n'),
      )
      return
    }
    if (request.url !== '/metrics') return void response.writeHead(404).end()
    readStatistics(db)
      .then((statistics) => {
        response
          .setHeader('content-type', 'text/plain; version=0.0.4')
          .end(`${exposition(statistics)}${countOf(reportsRefused)}`)
      })
      .catch((error: unknown) => {
        log.warn({ err: error }, 'reading metrics failed')
        response.writeHead(503).end()
      })
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, () => resolve())).catch(
    (cause: Error) => {
      throw new ConfigurationError(
        `cannot listen on port ${port} for metrics on ${host} (${cause.message}); change observability.metrics_port or METRICS_PORT, or metrics_host or METRICS_HOST`,
        { cause },
      )
    },
  )
  // A connection that could not be accepted, for lack of file descriptors.
  server.on('error', (error) => log.warn({ err: error }, 'a request for metrics was not accepted'))
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const countOf = ({ count }: { readonly count: number }): string =>
  [
    "# HELP deed_reports_refused_total Reports of workers that the executor's ledger contradicts, since this process began.",
    '# TYPE deed_reports_refused_total counter',
    `deed_reports_refused_total ${count}\n`,
  ].join('\n')

/** @returns the reasons why no work can be accepted */
async function readiness(db: Database, queues: WorkQueues): Promise<string[]> {
  const { rows } = await db.pool.query<{ read_only: string }>(
    `select current_setting('transaction_read_only') as read_only`,
  )
  return [...queues.missing(), ...(rows[0]?.read_only === 'on' ? ['PostgreSQL is read-only'] : [])]
}

/** @see https://prometheus.io/docs/instrumenting/exposition_formats/ */
export function exposition(statistics: ExecutionStats): string {
  const lines: string[] = []
  const gauge = (name: string, help: string, samples: [labels: string, value: number | null][]): void => {
    lines.push(`# HELP deed_${name} ${help}`, `# TYPE deed_${name} gauge`)
    for (const [labels, value] of samples) if (value !== null) lines.push(`deed_${name}${labels} ${value}`)
  }
  const each = (label: string, counts: Record<string, number>): [string, number][] =>
    Object.entries(counts).map(([key, count]) => [`{${label}="${key}"}`, count])
  gauge('executions_running', 'Executions that have not ended.', [['', statistics.running]])
  gauge('executions', 'Executions by status.', each('status', statistics.by_status))
  gauge('executions_by_method', 'Executions by the way their answer was found.', each('method', statistics.by_method))
  gauge('success_ratio', 'Done and verified against the task, of those that ended.', [['', statistics.success_rate]])
  gauge('verified_ratio', 'Verified, of the actions that are done.', [['', statistics.verification_rate]])
  gauge('rollback_success_ratio', 'Undone to the end, of those undone.', [['', statistics.rollback_rate]])
  gauge('cache_hit_ratio', 'Answered from the cache, of those that ended.', [['', statistics.cache_hit_rate]])
  gauge('execution_milliseconds', 'From acceptance to end.', [
    ['{quantile="0.5"}', statistics.p50_ms],
    ['{quantile="0.95"}', statistics.p95_ms],
    ['{quantile="0.99"}', statistics.p99_ms],
  ])
  gauge('model_tokens', 'Tokens that models were paid for.', [['', statistics.tokens_used]])
  gauge('model_cost_usd', 'What models cost.', [['', statistics.cost_usd]])
  return `${lines.join('\n')}\n`
}
