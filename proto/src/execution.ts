/** Asking for work, and following it. */
import { z } from 'zod'
import { ActionResult, EffectClass, Reversibility } from './action.ts'
import { event, request } from './contract.ts'
import { ErrorBody } from './errors.ts'
import { ActionId, ApprovalId, ExecutionId, GrantId, TaskId } from './ids.ts'
import { Json, JsonObject } from './json.ts'
import { Manifest, ManifestReference } from './manifest.ts'
import { Evidence, Observation } from './observation.ts'
import { PersonDecision, PersonTask } from './person.ts'
import { ApprovalStatus, ExecutionStatus, Method } from './states.ts'
import { Complexity, NODES_MAX, TaskView } from './task.ts'
import { Language } from './template.ts'

export const TASK_CHARS_MAX = 65_536
const REASON_CHARS_MAX = 4096

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
  'approval.consumed',
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
 * Stop an execution. The reply comes once the wish is durable; processes that run for it end within
 * their lease. What was done stays done unless `undo` says otherwise. Asking again changes nothing.
 */
export const cancelExecution = request({
  subject: 'execution.cancel',
  owner: 'orchestrator',
  summary: 'Stop an execution.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    execution_id: ExecutionId,
    reason: z.string().max(REASON_CHARS_MAX).optional(),
    undo: z.boolean().default(false),
    /** Pause the goals that would bring about again what is undone; else it is refused where there are any. */
    pause_goals: z.boolean().default(false),
  }),
  output: z.object({ execution_id: ExecutionId, status: ExecutionStatus }),
})

/** One action, as undoing meets it. */
export const UndoStep = z.object({
  task_id: TaskId,
  action_id: ActionId,
  name: z.string(),
  title: z.string(),
  kind: z.string(),
  /** undo: it will be undone. nothing: nothing is left of it. cannot: `why` says what stands against it. */
  outlook: z.enum(['undo', 'nothing', 'cannot']),
  why: z.string().nullable(),
  /** Null where nobody could look. */
  reversibility: Reversibility.nullable(),
  observed: z.string().nullable(),
  /** The agreement that undoing it needs: by what it does and whose work it takes back. */
  level: z.int().min(0).max(3).default(0),
  level_why: z.string().default(''),
})
export type UndoStep = z.output<typeof UndoStep>

/**
 * Undo what an ended execution did, or one action of it, or the last thing that the caller had changed. The reply comes
 * once the wish is durable. What is undone already is refused as `already_rolled_back`, what cannot be as `irreversible`,
 * with the titles in `details`; nothing has changed then. A rollback is an effect: where its level is above 0, the reply
 * names the approval that it waits for, and the execution stays as it is until that is given.
 */
export const rollbackExecution = request({
  subject: 'execution.rollback',
  owner: 'orchestrator',
  summary: 'Undo an execution, or an action of one.',
  timeoutMs: 15_000,
  idempotent: true,
  /** Exactly one of execution_id, action_id and last. */
  input: z.strictObject({
    execution_id: ExecutionId.optional(),
    /** Of an action, or of its task. */
    action_id: z.uuid().optional(),
    last: z.literal(true).optional(),
    /** With one action: those too that come after it and rest on it; else it is refused where there are any. */
    with_dependents: z.boolean().default(false),
    /** Look at what would be undone, in order, and do nothing. */
    dry_run: z.boolean().default(false),
    /** Pause the goals that would bring about again what is undone; else it is refused where there are any. */
    pause_goals: z.boolean().default(false),
    reason: z.string().max(REASON_CHARS_MAX).optional(),
  }),
  output: z.object({
    execution_id: ExecutionId,
    status: ExecutionStatus,
    /** In the order in which they are undone. */
    steps: z.array(UndoStep).default([]),
    /** The highest of its steps. */
    level: z.int().min(0).max(3).default(0),
    /** Nothing is undone before this is given; null: it has begun, or was a dry run. */
    approval_id: ApprovalId.nullable().default(null),
  }),
})

const Verb = z.strictObject({ execution_id: ExecutionId, reason: z.string().max(REASON_CHARS_MAX).optional() })
const Standing = z.object({ execution_id: ExecutionId, status: ExecutionStatus })

/** Hand nothing more out for an execution. What runs already runs to its end. Asking again changes nothing. */
export const pauseExecution = request({
  subject: 'execution.pause',
  owner: 'orchestrator',
  summary: 'Hand nothing more out for an execution.',
  timeoutMs: 5_000,
  idempotent: true,
  input: Verb,
  output: Standing,
})

/** Go on with a paused execution. Asking again changes nothing. */
export const resumeExecution = request({
  subject: 'execution.resume',
  owner: 'orchestrator',
  summary: 'Go on with a paused execution.',
  timeoutMs: 5_000,
  idempotent: true,
  input: Verb,
  output: Standing,
})

/**
 * Try an execution again that failed, was cancelled or was undone: from the first task that is not done, keeping what
 * is done and what was agreed to.
 */
export const retryExecution = request({
  subject: 'execution.retry',
  owner: 'orchestrator',
  summary: 'Try again what failed, keeping what is done.',
  timeoutMs: 5_000,
  idempotent: false,
  input: Verb,
  output: Standing,
})

/**
 * One verb for many executions: those that are named, or all that are where the verb applies and fit every filter. Each
 * is steered as by itself; one that cannot be does not keep the others from it. A filter or `all` must be given.
 */
export const steerExecutions = request({
  subject: 'execution.bulk',
  owner: 'orchestrator',
  summary: 'Pause, resume, cancel, retry or roll back many, with a result for each.',
  timeoutMs: 60_000,
  idempotent: false,
  input: z.strictObject({
    verb: z.enum(['pause', 'resume', 'cancel', 'retry', 'rollback']),
    execution_ids: z.array(ExecutionId).min(1).max(500).optional(),
    /** That used this template. */
    template: z.string().min(1).max(128).optional(),
    /** An action of which names this target. */
    target: z.string().min(1).max(256).optional(),
    all: z.literal(true).optional(),
    /** With cancel: undo what was done. */
    undo: z.boolean().default(false),
    /** Say which, and do nothing. */
    dry_run: z.boolean().default(false),
    /** Pause the goals that would bring about again what is undone; else it is refused where there are any. */
    pause_goals: z.boolean().default(false),
    reason: z.string().max(REASON_CHARS_MAX).optional(),
    limit: z.int().min(1).max(500).default(200),
    cursor: ExecutionId.optional(),
  }),
  /** Newest first, or in the order of the ids. */
  output: z.object({
    results: z.array(
      z.object({
        execution_id: ExecutionId,
        status: ExecutionStatus.optional(),
        error: ErrorBody.optional(),
        /** Of a rollback. */
        level: z.int().min(0).max(3).optional(),
        /** What the rollback waits for. */
        approval_id: ApprovalId.optional(),
      }),
    ),
    next_cursor: ExecutionId.nullable(),
  }),
})
export type SteerResult = z.output<typeof steerExecutions.output>['results'][number]

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

/** A step that an approval seals, with all that is known of it before it runs. */
export const SealedStep = z.object({
  task_id: TaskId,
  title: z.string(),
  summary: z.string(),
  level: z.int(),
  why: z.string(),
  /** Whole, but for texts of hundreds of kilobytes, which are cut and say their length; the hash covers all. */
  action: JsonObject,
  /**
   * Its texts that read otherwise than they are, each with what a reader would not see (signs of no width, other
   * directions, letters of another alphabet) escaped; and what stands in them as base64.
   */
  hidden: z.array(z.object({ path: z.string(), shown: z.string() })).default([]),
  /** Null where nobody has looked: a step that only reads. */
  effect: EffectClass.nullable().default(null),
  reversibility: Reversibility.nullable().default(null),
  /** Null too where it depends on the steps before. */
  state_before: z.string().nullable().default(null),
  environment: z.string().nullable().default(null),
  sandbox: z.string().nullable().default(null),
  diff: z.string().nullable().default(null),
  /** What will be looked at afterwards. */
  observes: Observation.nullable().default(null),
  /** Where it was agreed to before in another form: where the two differ. */
  changed: z.array(z.object({ path: z.string(), before: z.string(), after: z.string() })).default([]),
})
export type SealedStep = z.output<typeof SealedStep>

/** A step of the plan, in brief. */
export const PlanStep = z.object({
  task_id: TaskId,
  name: z.string(),
  title: z.string(),
  level: z.int(),
  /** Names of the steps that it waits for. */
  after: z.array(z.string()),
  reversibility: Reversibility.nullable(),
  /** none: it needs nobody's. own: it is asked for by itself, once the steps before it are done. */
  agreement: z.enum(['none', 'plan', 'own', 'grant']),
})
export type PlanStep = z.output<typeof PlanStep>

/** The plan that an approval belongs to, whole. */
export const PlanScreen = z.object({
  steps: z.array(PlanStep),
  /** Name of the first step that cannot be undone; null: everything can. */
  point_of_no_return: z.string().nullable(),
  /** Null: nobody has estimated it. */
  estimate: z.object({ time_ms: z.number(), cost_usd: z.number() }).nullable(),
})
export type PlanScreen = z.output<typeof PlanScreen>

/** What a person is asked to agree to: exactly what would run. */
export const ApprovalView = z.object({
  approval_id: ApprovalId,
  execution_id: ExecutionId,
  task: z.string(),
  level: z.int().min(1).max(3),
  status: ApprovalStatus,
  requested_by: z.string(),
  decided_by: z.string().nullable(),
  reason: z.string().nullable(),
  /** SHA-256 over the sealed actions and the policy's version. */
  plan_hash: z.string(),
  policy_version: z.string(),
  expires_at: z.iso.datetime(),
  /** The standing permission that agreed to it, instead of a person being asked. */
  grant_id: GrantId.nullable().default(null),
  /** What it seals. */
  actions: z.array(SealedStep),
  /** Null of old ones. */
  plan: PlanScreen.nullable().default(null),
  /** Of both, what comes behind those that are shown; `steps_from` has it. The hash covers all. */
  omitted: z.object({ actions: z.int(), steps: z.int() }).optional(),
})
export type ApprovalView = z.output<typeof ApprovalView>

export const listApprovals = request({
  subject: 'approval.list',
  owner: 'orchestrator',
  summary: 'Decisions and work that people are asked for.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    /** approve: agreement to a plan. review: a task that needs a person to look. provide: a task that a person does. */
    kind: z.enum(['approve', 'review', 'provide']).optional(),
    /** Of people's tasks, `pending` alone selects; the other states are those of agreements. */
    status: ApprovalStatus.optional(),
    approval_id: ApprovalId.optional(),
    execution_id: ExecutionId.optional(),
    limit: z.int().min(1).max(500).default(50),
    /** Agreements behind this one. */
    cursor: ApprovalId.optional(),
    /** People's tasks behind this one. */
    tasks_cursor: ApprovalId.optional(),
    /** Of agreements that cover many steps: from this one on. */
    steps_from: z.int().min(0).max(NODES_MAX).default(0),
  }),
  /** Newest first; fewer than asked for where their diffs and arguments are long. */
  output: z.object({
    approvals: z.array(ApprovalView),
    next_cursor: ApprovalId.nullable().default(null),
    /** Of the kinds review and provide; with the first page of the approvals. */
    tasks: z.array(PersonTask).default([]),
    next_tasks_cursor: ApprovalId.nullable().default(null),
  }),
})

/**
 * Agree, or not; or decide about a task of people's. Good for once, until it expires by the database's clock. What a
 * person provides is evidence of kind `signed`, with who and when.
 */
export const decideApproval = request({
  subject: 'approval.decide',
  owner: 'orchestrator',
  summary: 'Approve or deny; retry, skip, provide or cancel.',
  timeoutMs: 5_000,
  idempotent: false,
  input: z.strictObject({
    /** Of an agreement, or of a person's task. */
    approval_id: ApprovalId,
    /** approve and deny for an agreement; for a person's task one of its `decisions`. */
    decision: z.enum(['approve', ...PersonDecision.options]),
    reason: z.string().max(REASON_CHARS_MAX).optional(),
    /** What was looked at; refused as `approval_mismatch` where the plan is another by now. */
    plan_hash: z.string().max(64).optional(),
    /** What a person provides. */
    result: z.strictObject(ActionResult.shape).optional(),
  }),
  output: z.object({
    approval_id: ApprovalId,
    execution_id: ExecutionId,
    /** resolved: of a person's task. */
    status: z.enum([...ApprovalStatus.options, 'resolved']),
  }),
})

/**
 * Approve or deny several that were looked at, each as `approval.decide` would: one that cannot be decided does not keep
 * the others from it. Steps of level 3 are decided one by one.
 */
export const decideApprovals = request({
  subject: 'approval.batch',
  owner: 'orchestrator',
  summary: 'Approve or deny several, with a result for each.',
  timeoutMs: 30_000,
  idempotent: false,
  input: z.strictObject({
    approvals: z
      .array(z.strictObject({ approval_id: ApprovalId, plan_hash: z.string().max(64) }))
      .min(1)
      .max(500),
    decision: z.enum(['approve', 'deny']),
    reason: z.string().max(REASON_CHARS_MAX).optional(),
  }),
  /** In the order of the request. */
  output: z.object({
    results: z.array(
      z.object({
        approval_id: ApprovalId,
        execution_id: ExecutionId.optional(),
        status: ApprovalStatus.optional(),
        error: ErrorBody.optional(),
      }),
    ),
  }),
})
export type BatchResult = z.output<typeof decideApprovals.output>['results'][number]
