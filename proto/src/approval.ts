/** Approvals: what a person is asked to agree to, and what they decide. */
import { z } from 'zod'
import { ActionResult, EffectClass, Reversibility } from './action.ts'
import { request } from './contract.ts'
import { ErrorBody } from './errors.ts'
import { ApprovalId, ExecutionId, GrantId, TaskId } from './ids.ts'
import { JsonObject } from './json.ts'
import { ModelEstimate } from './model.ts'
import { Observation } from './observation.ts'
import { Answer, PersonDecision, PersonTask } from './person.ts'
import { ApprovalStatus } from './states.ts'
import { NODES_MAX } from './task.ts'

const REASON_CHARS_MAX = 4096

/** From this level on, who approves in the console types the first characters of the plan's hash, or uses a passkey. */
export const TYPED_FROM_LEVEL = 2
export const TYPED_CHARS = 6

/**
 * Where and how a person confirmed a decision, for the audit log. It is what the client says of itself, and grants
 * nothing; the console's server sets channel and factor itself, whatever the page sends.
 */
export const Confirmation = z.strictObject({
  channel: z.enum(['nats', 'command', 'console', 'mcp']).default('nats'),
  /**
   * none: nobody was asked again. answer: by a button or a yes. typed: by the beginning of the plan's hash. passkey: by a
   * signature over the approval and the plan's hash, which the console has verified.
   */
  factor: z.enum(['none', 'answer', 'typed', 'passkey']).default('none'),
  /** The first six characters of the plan's hash, as the person typed them. */
  typed: z.string().max(64).optional(),
})
export type Confirmation = z.output<typeof Confirmation>

/** A step that an approval seals, with everything that is known about it before it runs. */
export const SealedStep = z.object({
  task_id: TaskId,
  title: z.string(),
  summary: z.string(),
  level: z.int(),
  why: z.string(),
  /**
   * Complete, except that texts of hundreds of kilobytes are truncated with their length stated; the hash covers
   * everything.
   */
  action: JsonObject,
  /**
   * Its texts that are misleading to read, with invisible characters (zero-width, direction marks, look-alike letters)
   * escaped; and decoded base64.
   */
  hidden: z.array(z.object({ path: z.string(), shown: z.string() })).default([]),
  /** Null without an inspection: a step that only reads. */
  effect: EffectClass.nullable().default(null),
  reversibility: Reversibility.nullable().default(null),
  /** Also null if it depends on the steps before. */
  state_before: z.string().nullable().default(null),
  environment: z.string().nullable().default(null),
  sandbox: z.string().nullable().default(null),
  diff: z.string().nullable().default(null),
  /** The verification afterwards. */
  observes: Observation.nullable().default(null),
  /** The differences, if another form of it was approved earlier. */
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
  /** none: it needs no approval. own: it has its own approval, requested once the steps before it are done. */
  agreement: z.enum(['none', 'plan', 'own', 'grant']),
})
export type PlanStep = z.output<typeof PlanStep>

/** The complete plan that an approval belongs to. */
export const PlanScreen = z.object({
  steps: z.array(PlanStep),
  /** The name of the first step that cannot be undone; null: everything can. */
  point_of_no_return: z.string().nullable(),
  /** Null without an estimate. */
  estimate: z
    .object({
      time_ms: z.number(),
      cost_usd: z.number(),
      /** Of a dry run: who finds the actions of how many parts, and what the models among them would cost. */
      solved_by: z.object({ rules: z.int(), cache: z.int(), models: z.int() }).optional(),
      /** Absent where no model is needed, or nobody could say it. */
      models: ModelEstimate.optional(),
    })
    .nullable(),
})
export type PlanScreen = z.output<typeof PlanScreen>

/** What a person is asked to approve: exactly what would run. */
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
  /** Since when a person is asked. */
  asked_at: z.iso.datetime(),
  decided_at: z.iso.datetime().nullable(),
  expires_at: z.iso.datetime(),
  /** The grant that approved it, so that nobody was asked. */
  grant_id: GrantId.nullable().default(null),
  /** What it seals. */
  actions: z.array(SealedStep),
  /** Null of old ones. */
  plan: PlanScreen.nullable().default(null),
  /** The number of actions and steps after those that are shown; `steps_from` returns them. The hash covers all. */
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
    /**
     * approve: approval of a plan. review: a task that a person must check. provide: a task that a person does. choose:
     * a question about the words of a task.
     */
    kind: z.enum(['approve', 'review', 'provide', 'choose']).optional(),
    /** People's tasks support `pending` only; the other states are those of approvals. */
    status: ApprovalStatus.optional(),
    approval_id: ApprovalId.optional(),
    execution_id: ExecutionId.optional(),
    limit: z.int().min(1).max(500).default(50),
    /** Approvals after this one. */
    cursor: ApprovalId.optional(),
    /** People's tasks after this one. */
    tasks_cursor: ApprovalId.optional(),
    /** For approvals of many steps: from this one on. */
    steps_from: z.int().min(0).max(NODES_MAX).default(0),
  }),
  /** Newest first; fewer than requested if their diffs and arguments are long. */
  output: z.object({
    approvals: z.array(ApprovalView),
    next_cursor: ApprovalId.nullable().default(null),
    /** Of the kinds review, provide and choose; with the first page of the approvals. */
    tasks: z.array(PersonTask).default([]),
    next_tasks_cursor: ApprovalId.nullable().default(null),
  }),
})

/**
 * Approves or denies, or decides a person's task. Valid once, until it expires by the database's clock. What a person
 * provides is evidence of kind `signed`, with who and when. Who approves a plan of level 2 or 3 in the console types the
 * beginning of its hash, or uses a passkey; what does not match is refused as `approval_mismatch`, and audited.
 */
export const decideApproval = request({
  subject: 'approval.decide',
  owner: 'orchestrator',
  summary: 'Approve or deny; retry, skip, provide, choose or cancel.',
  timeoutMs: 5_000,
  idempotent: false,
  input: z.strictObject({
    /** Of an approval, or of a person's task. */
    approval_id: ApprovalId,
    /** approve and deny for an approval; for a person's task one of its `decisions`. */
    decision: z.enum(['approve', ...PersonDecision.options]),
    reason: z.string().max(REASON_CHARS_MAX).optional(),
    /** The plan that was shown; refused as `approval_mismatch` if the plan has changed. */
    plan_hash: z.string().max(64).optional(),
    confirmation: Confirmation.optional(),
    /** What a person provides. */
    result: z.strictObject(ActionResult.shape).optional(),
    /** With choose: one of the two. */
    ...Answer,
  }),
  output: z.object({
    approval_id: ApprovalId,
    execution_id: ExecutionId,
    /** resolved: of a person's task. */
    status: z.enum([...ApprovalStatus.options, 'resolved']),
  }),
})

/**
 * Approves or denies several shown approvals, each as `approval.decide` would: one that cannot be decided does not
 * affect the others. Steps of level 3 are decided one by one.
 */
export const decideApprovals = request({
  subject: 'approval.decide-many',
  owner: 'orchestrator',
  summary: 'Approve or deny several, with a result for each.',
  timeoutMs: 30_000,
  idempotent: false,
  input: z.strictObject({
    approvals: z
      .array(
        z.strictObject({
          approval_id: ApprovalId,
          plan_hash: z.string().max(64),
          /** As `confirmation.typed` of `approval.decide`, for this one. */
          typed: z.string().max(64).optional(),
        }),
      )
      .min(1)
      .max(500),
    decision: z.enum(['approve', 'deny']),
    reason: z.string().max(REASON_CHARS_MAX).optional(),
    confirmation: Confirmation.omit({ typed: true }).optional(),
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
