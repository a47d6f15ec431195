/** Steering what was asked for: stopping it, going on with it, undoing it, trying it again. */
import { z } from 'zod'
import { Reversibility } from './action.ts'
import { request } from './contract.ts'
import { ErrorBody } from './errors.ts'
import { ActionId, ApprovalId, ExecutionId, TaskId } from './ids.ts'
import { ExecutionStatus } from './states.ts'

const REASON_CHARS_MAX = 4096

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
