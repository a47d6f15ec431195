/** The audit log: every transition a row, each row's hash over the one before. */
import { z } from 'zod'
import { request } from './contract.ts'
import { AuditRow } from './execution.ts'
import { ExecutionId } from './ids.ts'

/**
 * Checks the chains of the caller's tenant, newest executions first: no row changed, none missing, none added, and none
 * cut off at the end, since each execution knows the head of its own chain, and the anchors know it too.
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
    /** Go on below this one. */
    cursor: ExecutionId.optional(),
  }),
  output: z.object({
    executions: z.int().min(0),
    rows: z.int().min(0),
    /** Rows that each chain the heads which moved within about a second. */
    anchors: z.int().min(0),
    /** The newest anchor. Kept elsewhere, its hash shows later that nothing before it was rewritten. */
    anchor: z.object({ number: z.int().min(1), hash: z.string() }).nullable(),
    next_cursor: ExecutionId.nullable(),
    /** The first row that is not as it was written. */
    broken: z.object({ execution_id: ExecutionId, seq: z.int().min(1), why: z.string() }).nullable(),
    /** The first anchor that is not as it was written, or does not follow the one before. */
    broken_anchor: z.object({ number: z.int().min(1), why: z.string() }).nullable(),
  }),
})

/** The rows themselves, with their hashes, for keeping elsewhere. */
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
    /** Where more executions are left: ask again with `after`. */
    next_after: ExecutionId.nullable(),
  }),
})
