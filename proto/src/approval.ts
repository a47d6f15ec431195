/** Approvals: what a person is asked to agree to, and what they decide. */
import { z } from 'zod'
import { ActionResult, EffectClass, Reversibility } from './action.ts'
import { request } from './contract.ts'
import { ErrorBody } from './errors.ts'
import { ApprovalId, ExecutionId, GrantId, TaskId } from './ids.ts'
import { JsonObject } from './json.ts'
import { Observation } from './observation.ts'
import { PersonDecision, PersonTask } from './person.ts'
import { ApprovalStatus } from './states.ts'
import { NODES_MAX } from './task.ts'

const REASON_CHARS_MAX = 4096

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
