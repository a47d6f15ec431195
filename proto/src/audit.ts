/** The audit log: one row per transition, with a hash over the previous row. */
import { z } from 'zod'
import { CONSOLE_REFUSALS } from './console.ts'
import { request } from './contract.ts'
import { ErrorCode } from './errors.ts'
import { AuditRow } from './execution.ts'
import { ExecutionId, PrincipalName } from './ids.ts'

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

/** What was refused at the console: once, or several times in the same way. No value that was sent. */
export const AuditedRefusal = z.strictObject({
  reason: z.enum(CONSOLE_REFUSALS),
  code: ErrorCode,
  /** Who was signed in; absent: nobody, or several. */
  user: PrincipalName.optional(),
  /** The request of the mesh that was asked for; absent: another address, or several. */
  subject: z.string().max(64).optional(),
  /** Where the connection came from, which may be a proxy; absent: several. */
  address: z.string().max(64).optional(),
  count: z.int().min(1),
  first_at: z.iso.datetime(),
  last_at: z.iso.datetime(),
})
export type AuditedRefusal = z.output<typeof AuditedRefusal>

/** In one message, and so in one row of a tenant. */
export const AUDITED_REFUSALS_MAX = 64

/**
 * Adds what the console refused to the audit log of its tenant, in a row of its own among the anchors. The reply comes once it
 * is durable. The console alone may ask, and bounds how often.
 */
export const recordRefusals = request({
  subject: 'audit.record-refusals',
  owner: 'orchestrator',
  summary: 'Refusals of the console, for the audit log.',
  timeoutMs: 5_000,
  idempotent: false,
  input: z.strictObject({
    /** Of the person who was signed in; `local` where nobody was. */
    tenant: PrincipalName,
    refusals: z.array(AuditedRefusal).min(1).max(AUDITED_REFUSALS_MAX),
  }),
  output: z.object({ number: z.int().min(1) }),
})

/** What the console refused to people of the caller's tenant, newest first. */
export const listRefusals = request({
  subject: 'audit.list-refusals',
  owner: 'orchestrator',
  summary: 'What the console refused.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    /** Rows of the log, each with several refusals. */
    limit: z.int().min(1).max(50).default(20),
    /** Rows before this number. */
    before: z.int().min(1).optional(),
  }),
  output: z.object({
    refusals: z.array(
      AuditedRefusal.extend({
        /** Of the row, whose hash `audit.verify` checks. */
        number: z.int().min(1),
      }),
    ),
    next_before: z.int().nullable(),
  }),
})
