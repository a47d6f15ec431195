/** The audit log: one row per transition, with a hash over the previous row. */
import { z } from 'zod'
import { request } from './contract.ts'
import { AuditRow } from './execution.ts'
import { ExecutionId } from './ids.ts'

/**
 * Checks the chains of the caller's tenant, newest executions first: no row was changed, removed, added or truncated,
 * since the head of each chain is also stored in its execution and in the anchors.
 */
export const verifyAudit = request({
  subject: 'audit.verify',
  owner: 'orchestrator',
  summary: 'Recompute the chains of the audit log.',
  timeoutMs: 60_000,
  idempotent: true,
  input: z.strictObject({
    /** Absent: as many as `limit`. */
    execution_id: ExecutionId.optional(),
    limit: z.int().min(1).max(100_000).default(1_000),
    /** Continue after this one. */
    cursor: ExecutionId.optional(),
  }),
  output: z.object({
    executions: z.int().min(0),
    rows: z.int().min(0),
    /** Rows that chain the heads which changed within about a second. */
    anchors: z.int().min(0),
    /** The newest anchor. Its hash, stored elsewhere, proves later that nothing before it was rewritten. */
    anchor: z.object({ number: z.int().min(1), hash: z.string() }).nullable(),
    next_cursor: ExecutionId.nullable(),
    /** The first row that was changed. */
    broken: z.object({ execution_id: ExecutionId, seq: z.int().min(1), why: z.string() }).nullable(),
    /** The first anchor that was changed, or does not follow the previous one. */
    broken_anchor: z.object({ number: z.int().min(1), why: z.string() }).nullable(),
  }),
})

/** The rows with their hashes, for storage elsewhere. */
export const exportAudit = request({
  subject: 'audit.export',
  owner: 'orchestrator',
  summary: 'Rows of the audit log with their hashes.',
  timeoutMs: 30_000,
  idempotent: true,
  input: z.strictObject({
    execution_id: ExecutionId.optional(),
    /** Executions after this one, oldest first. */
    after: ExecutionId.optional(),
    limit: z.int().min(1).max(500).default(100),
  }),
  output: z.object({
    rows: z.array(AuditRow.extend({ hash: z.string() })),
    /** Set if there are more executions: request again with `after`. */
    next_after: ExecutionId.nullable(),
  }),
})
