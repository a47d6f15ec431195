/** Asking for work, and following it. */
import { z } from 'zod'
import { ActionResult } from './action.ts'
import { event, request } from './contract.ts'
import { ErrorBody } from './errors.ts'
import { ApprovalId, ExecutionId, TaskId } from './ids.ts'
import { Json, JsonObject } from './json.ts'
import { Manifest, ManifestReference } from './manifest.ts'
import { Evidence } from './observation.ts'
import { ExecutionStatus, Method } from './states.ts'
import { Complexity, TaskView } from './task.ts'
import { Language } from './template.ts'

export const TASK_CHARS_MAX = 65_536
const _REASON_CHARS_MAX = 4096

/** Dollars at the edge; inside, whole millionths. */
const Usd = z.number().min(0).max(1_000_000)

export const IdempotencyKey = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[\x21-\x7e]+$/, 'printable ASCII without spaces')

/** `workspace` is a name of `execution.yaml` or a path below one of its roots; `target_file` is relative to it. */
export const RequestContext = z
  .object({ workspace: z.string().min(1).max(4096).optional(), target_file: z.string().min(1).max(4096).optional() })
  .catchall(Json)

/** What is to be done, in words. */
export const WordsRequest = z.strictObject({
  task: z.string().max(TASK_CHARS_MAX),
  language: Language.optional(),
  complexity: Complexity.optional(),
  context: RequestContext.optional(),
  acceptance_criteria: z.array(z.string().min(1).max(4096)).max(100).optional(),
  /** auto: at once where it is expected to end within 30 s. */
  mode: z.enum(['auto', 'immediate', 'background']).default('auto'),
  idempotency_key: IdempotencyKey.optional(),
  budget_usd: Usd.optional(),
  priority: z.enum(['low', 'normal', 'high']).default('normal'),
  /** What becomes of it when a task fails for good; absent: undo. ask: that task waits for a person, the others go on. */
  on_failure: z.enum(['undo', 'ask']).optional(),
  /** Plan, level and undo are shown; nothing is done, nothing is stored. */
  dry_run: z.boolean().default(false),
})

/** What is to be done is said once: in words, as a graph of one's own, or as one that lies in the object store. */
export const ExecutionRequest = z
  .strictObject({
    ...WordsRequest.shape,
    task: WordsRequest.shape.task.optional(),
    manifest: Manifest.optional(),
    manifest_ref: ManifestReference.optional(),
  })
  .superRefine(({ task, manifest, manifest_ref: reference }, context) => {
    const given = [task, manifest, reference].filter((one) => one !== undefined).length
    if (given === 0) context.addIssue({ code: 'invalid_type', expected: 'string', path: ['task'], input: undefined })
    if (given > 1) {
      context.addIssue({ code: 'custom', message: 'give one of task, manifest and manifest_ref', input: undefined })
    }
  })
/** As it is taken in: a manifest has its name for a task. */
export type ExecutionRequest = z.output<typeof ExecutionRequest> & { task: string }

export const ExecutionMetrics = z.object({
  time_ms: z.number(),
  tokens_used: z.int(),
  cost_usd: z.number(),
  cache_hit: z.boolean(),
  /** Null until something measured it. */
  quality: z.number().nullable(),
  /** Done, with evidence, and verified against the task. */
  success: z.boolean(),
  /** What was not there, so that the answer was found without it. */
  degraded: z.array(z.string()).optional(),
})

export const ExecutionReply = z.object({
  execution_id: ExecutionId,
  status: z.union([ExecutionStatus, z.literal('accepted')]),
  result: ActionResult.nullable(),
  template_used: z.string().nullable(),
  model_used: z.string().nullable(),
  method: Method.nullable(),
  metrics: ExecutionMetrics,
  verification: z.array(Evidence),
  /**
   * Whether what is done is what the task asks for. Evidence says that each action holds. That the actions are the
   * task's is known where a rule read its words, where its acceptance criteria or a check derived from its words hold,
   * or where a person approved a model's reading. False of what is not done.
   */
  task_verified: z.boolean().default(false),
  /** When what it says was seen to be so: the oldest observation among its evidence. Absent where there is none. */
  seen_at: z.iso.datetime().optional(),
  /** How long ago that was when the reply was made, by the clock of the orchestrator. */
  age_ms: z.int().min(0).optional(),
  /** Of the evidence, what had no room in the message. */
  verification_omitted: z.int().min(1).optional(),
  trace_id: z.string(),
  /** Where a person's decision is wanted. */
  approval_id: ApprovalId.optional(),
  error: ErrorBody.optional(),
})
export type ExecutionReply = z.output<typeof ExecutionReply>

/**
 * Do this, and answer. The same key is the same execution and gets the same answer; with another
 * body it is a conflict. At the deadline whatever is not finished goes on in the background, and
 * the reply says how it stands.
 */
export const requestExecution = request({
  subject: 'execution.request',
  owner: 'orchestrator',
  summary: 'Do this, and answer.',
  timeoutMs: 30_000,
  idempotent: false,
  input: ExecutionRequest,
  output: ExecutionReply,
})

/**
 * Do this, durably: a JetStream subject, whose publish acknowledgement is the only reply and means
 * that it will be executed. `execution.get` finds it by key or by sequence.
 */
export const SUBMIT_SUBJECT = 'execution.submit'

/** One stream a tenant, so that one tenant's message id never swallows another's. */
export const intakeStream = (tenant: string): string => `EXECUTION_INTAKE_${tenant}`

/** The key of a submit that brought none. */
export const intakeKey = (stream: string, sequence: number): string => `intake:${stream}:${sequence}`

export const EventType = z.enum([
  'execution.accepted',
  'execution.planned',
  'execution.waiting',
  'execution.running',
  'execution.undoing',
  'execution.ended',
  'execution.cancel_requested',
  'execution.rollback_requested',
  'execution.pause_requested',
  'execution.resume_requested',
  'execution.retry_requested',
  'approval.requested',
  'approval.decided',
  'approval.used',
  'approval.recalled',
  'approval.refused',
  'task.leased',
  'task.lease_lost',
  'task.done',
  'task.failed',
  'task.retried',
  'task.blocked',
  'task.cancelled',
  'task.skipped',
  'task.undoing',
  'task.undone',
  'task.replanned',
  'task.cost_unknown',
  'person.asked',
  'person.decided',
])
export type EventType = z.output<typeof EventType>

/** A row of the audit log: one transition. */
export const AuditRow = z.object({
  execution_id: ExecutionId,
  /** Gapless from 1. */
  seq: z.int().min(1),
  type: EventType,
  at: z.iso.datetime(),
  task_id: TaskId.optional(),
  data: JsonObject,
})
export type AuditRow = z.output<typeof AuditRow>

/**
 * What happened to an execution, published after its commit as `event.execution.<tenant>.<execution_id>`; the same rows
 * are kept and read back.
 */
export const executionEvent = event({
  subject: 'event.execution.*.*',
  owner: 'orchestrator',
  summary: 'A transition of an execution.',
  payload: AuditRow.extend({
    status: ExecutionStatus,
    /** Of the tasks, 0 to 100. */
    percent: z.int().min(0).max(100),
    current: z.string().nullable(),
    /** What the execution was asked for, or the beginning of it. */
    task: z.string(),
  }),
})

export const ExecutionDetail = ExecutionReply.extend({
  request: JsonObject,
  tenant: z.string(),
  user: z.string(),
  created_at: z.iso.datetime(),
  finished_at: z.iso.datetime().nullable(),
  /** Of a large graph those that are not done first. */
  tasks: z.array(TaskView),
  timeline: z.array(AuditRow),
  /** What had no room in the message; `task.list` and `execution.watch` have it, page by page. */
  omitted: z.object({ tasks: z.int(), timeline: z.int() }).optional(),
})
export type ExecutionDetail = z.output<typeof ExecutionDetail>

export const getExecution = request({
  subject: 'execution.get',
  owner: 'orchestrator',
  summary: 'An execution, whole.',
  timeoutMs: 5_000,
  idempotent: true,
  /** Exactly one of the three. */
  input: z.strictObject({
    execution_id: ExecutionId.optional(),
    idempotency_key: IdempotencyKey.optional(),
    /** Of the acknowledgement of `execution.submit`. */
    sequence: z.int().min(1).optional(),
  }),
  output: ExecutionDetail,
})

export const ExecutionSummary = z.object({
  execution_id: ExecutionId,
  status: ExecutionStatus,
  task: z.string(),
  method: Method.nullable(),
  template_used: z.string().nullable(),
  success: z.boolean(),
  created_at: z.iso.datetime(),
  finished_at: z.iso.datetime().nullable(),
  time_ms: z.number().nullable(),
})

export const listExecutions = request({
  subject: 'execution.list',
  owner: 'orchestrator',
  summary: 'Executions, newest first.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    status: ExecutionStatus.optional(),
    method: Method.optional(),
    template: z.string().max(128).optional(),
    since: z.iso.datetime({ offset: true }).optional(),
    until: z.iso.datetime({ offset: true }).optional(),
    /** Occurs in the task's words. */
    text: z.string().max(256).optional(),
    /** Absent: as many as `rollback.max_history` of execution.yaml says. */
    limit: z.int().min(1).max(500).optional(),
    cursor: ExecutionId.optional(),
  }),
  output: z.object({ executions: z.array(ExecutionSummary), next_cursor: ExecutionId.nullable() }),
})

const Milliseconds = z.number().min(0).nullable()

/** Of the caller's tenant; null where there is nothing yet to measure. */
export const executionStats = request({
  subject: 'execution.stats',
  owner: 'orchestrator',
  summary: 'How much was done, how well, and how fast.',
  timeoutMs: 10_000,
  idempotent: true,
  input: z.strictObject({ since: z.iso.datetime({ offset: true }).optional() }),
  output: z.object({
    running: z.int(),
    total: z.int(),
    by_status: z.record(z.string(), z.int()),
    by_method: z.record(z.string(), z.int()),
    templates: z.record(z.string(), z.int()),
    /** Done, and verified against the task, of those that ended. */
    success_rate: z.number().nullable(),
    /** Verified, of the actions that are done, but for reads that may be made only once: 1, or something is broken. */
    verification_rate: z.number().nullable(),
    /** Undone to the end, of those that had something to undo. */
    rollback_rate: z.number().nullable(),
    cache_hit_rate: z.number().nullable(),
    average_ms: Milliseconds,
    p50_ms: Milliseconds,
    p95_ms: Milliseconds,
    p99_ms: Milliseconds,
    tokens_used: z.int(),
    cost_usd: z.number(),
  }),
})
export type ExecutionStats = z.output<typeof executionStats.output>

/**
 * How an execution stands, with the rows of its audit log behind `after`; then follow `event.execution.<tenant>.<id>`. Whoever
 * has missed some asks again from the last number seen. Without an id: those that are open, or have moved since.
 */
export const watchExecution = request({
  subject: 'execution.watch',
  owner: 'orchestrator',
  summary: 'How executions stand, and the number of the last event.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    execution_id: ExecutionId.optional(),
    after: z.int().min(0).default(0),
    since: z.iso.datetime({ offset: true }).optional(),
  }),
  output: z.object({
    executions: z.array(
      z.object({
        execution_id: ExecutionId,
        status: ExecutionStatus,
        task: z.string(),
        percent: z.int().min(0).max(100),
        current: z.string().nullable(),
        success: z.boolean(),
        last_seq: z.int().min(0),
      }),
    ),
    /** Of the one that was named; the rest is asked for with the last of their numbers. */
    events: z.array(AuditRow),
  }),
})
