/**
 * Spans of what only the orchestrator sees: an execution from its acceptance to its end, however many processes and hours
 * are between; that a person was waited for; that a worker was lost.
 */
import { requestedAt } from '@deed/mesh/served-span'
import { LINK_KIND, TASK_ID, TENANT } from '@deed/telemetry/names'
import { endOpenSpan, linkTo, nowMs, recordSpan, startSpan } from '@deed/telemetry/span'
import { derivedSpanId, parseTraceparent, traceparentIn } from '@deed/telemetry/trace-context'
import type { Draft } from '../execution/draft.ts'
import type { AuditEntry, ExecutionRow } from '../execution/snapshot.ts'

const FAILED: ReadonlySet<string> = new Set(['failed', 'rollback_failed'])
/** Rows after which a trace is exported although it was not sampled. */
const REMARKABLE: ReadonlySet<string> = new Set([
  'approval.requested',
  'person.asked',
  'task.failed',
  'task.lease_lost',
])

/** Ends the root span, which is stored with the execution. @param endMs in milliseconds since 1970 */
export function endExecutionSpan(execution: ExecutionRow, endMs = nowMs()): void {
  const { trace, root, status, method, tenant, model_used: model, error } = execution
  if (root === null) return
  endOpenSpan(trace, root, {
    endMs,
    attributes: {
      [TENANT]: tenant,
      'deed.execution.status': status,
      ...(method === null ? {} : { 'deed.execution.method': method }),
      ...(model === null ? {} : { 'deed.execution.model': model }),
    },
    ...(FAILED.has(status) ? { error: error ?? new Error(status) } : {}),
  })
}

/** What is done for an execution after its end, such as a rollback, is a trace of its own: linked, and no hours long. */
export function continueTrace({ execution }: Draft): void {
  const earlier = linkTo(execution.trace, { [LINK_KIND]: 'earlier trace' })
  const span = startSpan('continue execution', {
    startMs: requestedAt(),
    links: earlier === undefined ? [] : [earlier],
  })
  span.setExecution(execution.execution_id)
  execution.trace = span.trace
  execution.root = span.open()
  span.leaveOpen()
}

/** @returns whether the trace is to be exported even if it was not sampled */
export function traceTransitions(draft: Draft): boolean {
  for (const row of draft.audit) {
    if (row.type === 'approval.decided') traceApproval(draft, row)
    if (row.type === 'task.lease_lost') traceLostAttempt(draft, row)
  }
  return FAILED.has(draft.execution.status) || draft.audit.some(({ type }) => REMARKABLE.has(type))
}

/** From when it was requested to when it was decided. A grant decides without a wait. */
function traceApproval({ execution, approvals }: Draft, { data }: AuditEntry): void {
  const approval = [...approvals.values()].find(({ approval_id: id }) => id === data.approval_id)
  if (!approval?.asked_at || approval.grant_id !== null) return
  recordSpan('wait approval', {
    parent: execution.trace,
    startMs: Date.parse(approval.asked_at),
    attributes: {
      'deed.approval.id': approval.approval_id,
      'deed.approval.level': approval.level,
      'deed.approval.decision': String(data.decision),
      [TASK_ID]: approval.task_id,
    },
  })
}

/** The worker cannot say itself that it died. */
function traceLostAttempt({ execution: { trace } }: Draft, { task_id: id, data }: AuditEntry): void {
  const context = parseTraceparent(traceparentIn(trace))
  if (id === null || !context) return
  const token = Number(data.token)
  const spanId = derivedSpanId(id, token)
  recordSpan('lost attempt', {
    parent: trace,
    startMs: Date.parse(String(data.since)) || nowMs(),
    attributes: { [TASK_ID]: id, 'deed.attempt': token },
    links: [{ traceId: context.traceId, spanId, attributes: { [LINK_KIND]: 'sent' } }],
    error: Object.assign(new Error('the worker stopped before it reported'), { code: 'lease_lost' }),
  })
}
