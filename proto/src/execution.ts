/** Requesting work, and following it. */
import { z } from 'zod'
import { ActionResult, WordsRead } from './action.ts'
import { event, request } from './contract.ts'
import { ErrorBody } from './errors.ts'
import { ApprovalId, ExecutionId, TaskId } from './ids.ts'
import { Json, JsonObject } from './json.ts'
import { Manifest, ManifestReference } from './manifest.ts'
import { Evidence } from './observation.ts'
import { OpenQuestion } from './person.ts'
import { ExecutionStatus, Method } from './states.ts'
import { Complexity, TaskView } from './task.ts'
import { Language } from './template.ts'
import { WorkflowRequest } from './workflow.ts'

export const TASK_CHARS_MAX = 65_536
const _REASON_CHARS_MAX = 4096

/** Dollars in contracts; internally, whole millionths. */
export const Usd = z.number().min(0).max(1_000_000)

export const IdempotencyKey = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[\x21-\x7e]+$/, 'printable ASCII without spaces')

/** `workspace` is a name of `execution.yaml` or a path below one of its roots; `target_file` is relative to it. */
export const RequestContext = z
  .object({ workspace: z.string().min(1).max(4096).optional(), target_file: z.string().min(1).max(4096).optional() })
  .catchall(Json)

/** The task in words. */
export const WordsRequest = z.strictObject({
  task: z.string().max(TASK_CHARS_MAX),
  language: Language.optional(),
  complexity: Complexity.optional(),
  context: RequestContext.optional(),
  acceptance_criteria: z.array(z.string().min(1).max(4096)).max(100).optional(),
  /** auto: in the foreground if the estimate is below 30 s. */
  mode: z.enum(['auto', 'immediate', 'background']).default('auto'),
  idempotency_key: IdempotencyKey.optional(),
  budget_usd: Usd.optional(),
  priority: z.enum(['low', 'normal', 'high']).default('normal'),
  /**
   * What happens if a task fails for good; absent: undo. ask: the task waits for a person, the others continue. replan:
   * a model is asked for other actions if the task has changed nothing, at most three times; otherwise undo.
   */
  on_failure: z.enum(['undo', 'ask', 'replan']).optional(),
  /** Shows plan, level and undo; nothing is done or stored. */
  dry_run: z.boolean().default(false),
})

/** The work is given once: in words, as a graph, as a reference to a graph in the object store, or as a workflow. */
export const ExecutionRequest = z
  .strictObject({
    ...WordsRequest.shape,
    task: WordsRequest.shape.task.optional(),
    manifest: Manifest.optional(),
    manifest_ref: ManifestReference.optional(),
    workflow: WorkflowRequest.optional(),
  })
  .superRefine(({ task, manifest, manifest_ref: reference, workflow }, context) => {
    const given = [task, manifest, reference, workflow].filter((one) => one !== undefined).length
    if (given === 0) context.addIssue({ code: 'invalid_type', expected: 'string', path: ['task'], input: undefined })
    if (given > 1) {
      context.addIssue({
        code: 'custom',
        message: 'give one of task, manifest, manifest_ref and workflow',
        input: undefined,
      })
    }
  })
/** As accepted: a manifest's name becomes the task. */
export type ExecutionRequest = z.output<typeof ExecutionRequest> & { task: string }

export const ExecutionMetrics = z.object({
  time_ms: z.number(),
  tokens_used: z.int(),
  cost_usd: z.number(),
  cache_hit: z.boolean(),
  /** Null until it is measured. */
  quality: z.number().nullable(),
  /** Done, with evidence, and verified against the task. */
  success: z.boolean(),
  /** Services that were unavailable, so that the answer was found without them. */
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
   * Whether the result is what the task asks for. Evidence proves that each action holds. That the actions fit the task
   * is known if a rule read its words, by their pattern or by similarity, or a person chose what they mean; if its
   * acceptance criteria or a check derived from its words hold; or if a person approved a model's reading. False for
   * what is not done.
   */
  task_verified: z.boolean().default(false),
  /** The time of the oldest observation in its evidence. Absent without evidence. */
  seen_at: z.iso.datetime().optional(),
  /** The age of that observation when the reply was made, by the clock of the orchestrator. */
  age_ms: z.int().min(0).optional(),
  /** The number of evidence entries that did not fit in the message. */
  verification_omitted: z.int().min(1).optional(),
  trace_id: z.string(),
  /** Set if a person's decision is required. */
  approval_id: ApprovalId.optional(),
  /** Set if that decision is what the words mean; `execution.choose` answers it. */
  question: OpenQuestion.optional(),
  /** How the words were understood, where a rule does not know them as they are. */
  readings: z.array(WordsRead).optional(),
  error: ErrorBody.optional(),
})
export type ExecutionReply = z.output<typeof ExecutionReply>

/**
 * Do this, and answer. The same key is the same execution and gets the same answer; with another body it is a conflict.
 * At the deadline unfinished work continues in the background, and the reply has its status.
 */
export const requestExecution = request({
  subject: 'execution.request',
  owner: 'orchestrator',
  summary: 'Do this, and answer.',
  timeoutMs: 30_000,
  idempotent: false,
  each: true,
  gathered: true,
  begins: true,
  input: ExecutionRequest,
  output: ExecutionReply,
})

/**
 * Do this, durably: a JetStream subject, whose publish acknowledgement is the only reply, and promises execution.
 * `execution.get` finds it by key or by sequence.
 */
export const SUBMIT_SUBJECT = 'execution.submit'

/** One stream per tenant, so that message ids of different tenants never collide. */
export const intakeStream = (tenant: string): string => `EXECUTION_INTAKE_${tenant}`

/** The key of a submission without one. */
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
  'decision.proposed',
  'decision.made',
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
 * A transition of an execution, published after its commit as `event.execution.<tenant>.<execution_id>`; the same rows
 * are stored and can be read again.
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
    /** Who requested it. */
    user: z.string().optional(),
  }),
})

export const ExecutionDetail = ExecutionReply.extend({
  request: JsonObject,
  tenant: z.string(),
  user: z.string(),
  created_at: z.iso.datetime(),
  finished_at: z.iso.datetime().nullable(),
  /** If there are too many, unfinished tasks first. */
  tasks: z.array(TaskView),
  timeline: z.array(AuditRow),
  /** What did not fit in the message; `task.list` and `execution.watch` return it in pages. */
  omitted: z.object({ tasks: z.int(), timeline: z.int() }).optional(),
})
export type ExecutionDetail = z.output<typeof ExecutionDetail>

export const getExecution = request({
  subject: 'execution.get',
  owner: 'orchestrator',
  summary: 'An execution with its tasks and its timeline.',
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
  /** Who requested it. */
  user: z.string(),
  /** Why it failed, in brief. */
  error: ErrorBody.pick({ code: true, message: true }).nullable(),
  method: Method.nullable(),
  template_used: z.string().nullable(),
  success: z.boolean(),
  created_at: z.iso.datetime(),
  finished_at: z.iso.datetime().nullable(),
  time_ms: z.number().nullable(),
})

/**
 * What `execution.stats` counts of executions, besides status, method and template; `execution.list` lists exactly these.
 * open: not ended. The others have ended. verified: done, and what the task asks for. unverified: done, and nobody knows
 * whether it is what the task asks for. false_success: done, although an action of it is not. duplicate_effect: an effect
 * was made twice. cache_hit: answered from the cache.
 */
export const COUNTED = [
  'open',
  'verified',
  'unverified',
  'false_success',
  'duplicate_effect',
  'rollback_failed',
  'cache_hit',
] as const
export const Counted = z.enum(COUNTED)
export type Counted = z.output<typeof Counted>

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
    /**
     * A substring of the first 4,096 characters of the task's words. A page of what matches may be shorter than the limit,
     * or empty, although `next_cursor` says that there is more.
     */
    text: z.string().max(256).optional(),
    only: Counted.optional(),
    /** Who requested it. Pages are as for `text`, also of the next two. */
    user: z.string().max(64).optional(),
    /** With an action that names this target. */
    target: z.string().min(1).max(256).optional(),
    /** A substring of its error, or of the error's code. */
    error: z.string().min(1).max(256).optional(),
    /** Absent: `rollback.max_history` of execution.yaml. */
    limit: z.int().min(1).max(500).optional(),
    cursor: ExecutionId.optional(),
  }),
  output: z.object({ executions: z.array(ExecutionSummary), next_cursor: ExecutionId.nullable() }),
})

const Milliseconds = z.number().min(0).nullable()

/**
 * Of the caller's tenant; null if there is nothing to measure yet. `since` is rounded down: to the minute within two days, to
 * the hour within two months, to the day before that. Percentiles are within 2 %.
 */
export const executionStats = request({
  subject: 'execution.stats',
  owner: 'orchestrator',
  summary: 'Throughput, quality and latency of executions.',
  timeoutMs: 10_000,
  idempotent: true,
  input: z.strictObject({ since: z.iso.datetime({ offset: true }).optional() }),
  output: z.object({
    running: z.int(),
    total: z.int(),
    by_status: z.record(z.string(), z.int()),
    by_method: z.record(z.string(), z.int()),
    templates: z.record(z.string(), z.int()),
    counts: z.record(Counted, z.int()),
    /** Done, and verified against the task, as a fraction of ended executions. */
    success_rate: z.number().nullable(),
    /** Verified, as a fraction of done actions, except reads that may run only once: 1, or something is broken. */
    verification_rate: z.number().nullable(),
    /** Fully undone, as a fraction of those with something to undo. */
    rollback_rate: z.number().nullable(),
    cache_hit_rate: z.number().nullable(),
    average_ms: Milliseconds,
    p50_ms: Milliseconds,
    p95_ms: Milliseconds,
    p99_ms: Milliseconds,
    tokens_used: z.int(),
    cost_usd: z.number(),
    /** Of those that have ended; in dollars. */
    cost_by_method: z.record(z.string(), z.number()),
  }),
})
export type ExecutionStats = z.output<typeof executionStats.output>

/**
 * The status of an execution, with the rows of its audit log after `after`; then subscribe to
 * `event.execution.<tenant>.<id>`. A subscriber that missed events requests them again from the last number seen.
 * Without an id: executions that are open, or have ended since.
 */
export const watchExecution = request({
  subject: 'execution.watch',
  owner: 'orchestrator',
  summary: 'The status of executions, and the number of the last event.',
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
    /** For the given execution; request the rest with the last of their numbers. */
    events: z.array(AuditRow),
  }),
})
