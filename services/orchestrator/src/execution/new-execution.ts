/** A new execution: its row, and the first row of its audit log. */
import { hashJson } from '@deed/json/canonical-json'
import type { ExecutionRequest } from '@deed/proto/execution'
import type { Principal } from '@deed/proto/ids'
import type { JsonObject } from '@deed/proto/json'
import type { OpenSpan } from '@deed/telemetry/span'
import { type Trace, traceOf } from '@deed/telemetry/trace-context'
import { draftOf, record } from './draft.ts'
import { executionIdAt } from './execution-id.ts'
import { isoTime } from './iso-time.ts'
import type { AuditEntry, ExecutionRow, Snapshot } from './snapshot.ts'

/** The replica that accepts it has this long to plan before the resync takes over. */
export const PLANNING_MS = 5_000

/** A request as received. */
export interface Incoming {
  request: ExecutionRequest
  principal: Principal
  /** Of the span that is to end with the execution. */
  trace: Trace
  root?: OpenSpan | undefined
  waiter: { replyTo: string; dueAt: number } | undefined
  /** The sequence in the acknowledgement of its submission. */
  sequence?: number
  /** The goal or the schedule that caused it, if no caller did. */
  cause?: JsonObject
}

export function newExecution(
  { request, principal, trace, root }: Pick<Incoming, 'request' | 'principal' | 'trace' | 'root'>,
  now: number,
): ExecutionRow {
  const id = executionIdAt(now)
  return {
    tenant: principal.tenant,
    execution_id: id,
    user_name: principal.user,
    idempotency_key: request.idempotency_key ?? null,
    request_hash: hashJson({
      ...request,
      idempotency_key: undefined,
      ...(request.manifest_ref || request.workflow ? { manifest: undefined } : {}),
    }),
    request,
    trace: traceOf(trace, id),
    root: root ?? null,
    status: 'planning',
    ending: null,
    version: 1,
    method: null,
    model_used: null,
    template_used: null,
    template_version: null,
    tokens_used: 0,
    cost_microusd: 0,
    budget_microusd: null,
    cache_hit: false,
    duplicate_effects: 0,
    degraded: [],
    result: null,
    error: null,
    cited: null,
    task_verified: true,
    audit_seq: 0,
    audit_hash: '',
    created_at: isoTime(now),
    finished_at: null,
    next_check_at: isoTime(now + PLANNING_MS),
    followed_up: false,
  }
}

/** Starts the chain of the execution's audit log. */
export function admissionOf(
  execution: ExecutionRow,
  { principal, waiter, sequence, cause }: Omit<Incoming, 'request' | 'trace'>,
): Admission {
  const draft = draftOf(emptySnapshot(execution), Date.parse(execution.created_at))
  record(draft, 'execution.accepted', { by: principal.user, request_hash: execution.request_hash, ...cause })
  return {
    execution,
    waiter: waiter === undefined ? undefined : { reply_to: waiter.replyTo, due_at: isoTime(waiter.dueAt) },
    sequence,
    audit: draft.audit,
  }
}

export const emptySnapshot = (execution: ExecutionRow): Snapshot => ({
  execution,
  tasks: new Map(),
  approvals: new Map(),
  parts: [],
  plans: 0,
})

/** A request that becomes an execution, or matches an existing one. */
export interface Admission {
  execution: ExecutionRow
  /** The waiting caller and its deadline. */
  waiter: { reply_to: string; due_at: string } | undefined
  /** The sequence in the tenant's intake; undefined for other requests. */
  sequence: number | undefined
  /** From the first row on. */
  audit: AuditEntry[]
}
