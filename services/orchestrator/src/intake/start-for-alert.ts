/** Starts the workflow that the rule of an alert names: once for each alert, however often it is delivered. */
import type { ExecutionConfig } from '@deed/config/execution-config'
import type { Alert } from '@deed/proto/alert'
import { ExecutionRequest } from '@deed/proto/execution'
import type { Json } from '@deed/proto/json'
import { startSpan } from '@deed/telemetry/span'
import { fillIn } from '../workflows/fill-in.ts'
import { type Accepting, acceptExecution } from './accept-execution.ts'
import { type Taking, takeManifest } from './take-manifest.ts'
import { admitRequest } from './validate-request.ts'

/** Who asks for the execution. */
const USER = 'alerts'

/** @throws {DeedError} for a workflow that cannot run */
export async function startForAlert(
  accepting: Accepting & Taking & { config: ExecutionConfig },
  { name, alert_id, tenant, data }: Alert,
): Promise<void> {
  const { config, log } = accepting
  const rule = config.alerts.rules.find((one) => one.name === name)
  if (rule?.workflow === undefined || data.state !== 'firing') return
  const labels = (data.labels ?? {}) as Record<string, Json>
  const workflow = { ...rule.workflow, set: fillIn(rule.workflow.set, labels) as Record<string, Json> }
  const principal = { tenant, user: USER }
  const asked = ExecutionRequest.parse({ workflow, mode: 'background', idempotency_key: `alert:${alert_id}` })
  const request = admitRequest(config, await takeManifest(accepting, principal, asked))
  const span = startSpan('alert.respond')
  try {
    const { id } = await acceptExecution(accepting, { request, principal, trace: span.trace, waiter: undefined })
    log.info({ alert: name, workflow: workflow.name, execution_id: id }, 'an alert started a workflow')
  } finally {
    span.end()
  }
}
