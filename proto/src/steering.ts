/** Steering what was asked for: stopping it, going on with it, undoing it, trying it again. */
import { z } from 'zod'
import { Reversibility } from './action.ts'
import { request } from './contract.ts'
import { ErrorBody } from './errors.ts'
import { Usd } from './execution.ts'
import { ActionId, ApprovalId, ExecutionId, TaskId } from './ids.ts'
import { ExecutionStatus } from './states.ts'

const REASON_CHARS_MAX = 4096

/**
 * Stops an execution. The reply comes once the request is durable; its processes end within their lease. What was done
 * stays done unless `undo` is set. A repeat changes nothing.
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
    /** Pause goals that would restore what is undone; otherwise the request is refused if there are any. */
    pause_goals: z.boolean().default(false),
  }),
  output: z.object({ execution_id: ExecutionId, status: ExecutionStatus }),
})

/** One action of an undo, as currently inspected. */
export const UndoStep = z.object({
  task_id: TaskId,
  action_id: ActionId,
  name: z.string(),
  title: z.string(),
  kind: z.string(),
  /** undo: it will be undone. nothing: no effect is left. cannot: `why` gives the reason. */
  outlook: z.enum(['undo', 'nothing', 'cannot']),
  why: z.string().nullable(),
  /** Null if it could not be inspected. */
  reversibility: Reversibility.nullable(),
  observed: z.string().nullable(),
  /** The approval level of undoing it: by what it does and whose work it reverses. */
  level: z.int().min(0).max(3).default(0),
  level_why: z.string().default(''),
})
export type UndoStep = z.output<typeof UndoStep>

/**
 * Undoes an ended execution, one action of it, or the caller's last change. The reply comes once the request is
 * durable. What is already undone is refused as `already_rolled_back`, what cannot be undone as `irreversible`, with
 * the titles in `details`; nothing has changed then. A rollback is an effect: if its level is above 0, the reply names
 * the approval that it waits for, and the execution stays as it is until then.
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
    /** The id of an action, or of its task. */
    action_id: z.uuid().optional(),
    last: z.literal(true).optional(),
    /** With one action: also undo those that depend on it; otherwise the request is refused if there are any. */
    with_dependents: z.boolean().default(false),
    /** Show what would be undone, in order, and do nothing. */
    dry_run: z.boolean().default(false),
    /** Pause goals that would restore what is undone; otherwise the request is refused if there are any. */
    pause_goals: z.boolean().default(false),
    reason: z.string().max(REASON_CHARS_MAX).optional(),
  }),
  output: z.object({
    execution_id: ExecutionId,
    status: ExecutionStatus,
    /** In the order of undoing. */
    steps: z.array(UndoStep).default([]),
    /** The highest level of its steps. */
    level: z.int().min(0).max(3).default(0),
    /** Nothing is undone before this approval; null: it has begun, or was a dry run. */
    approval_id: ApprovalId.nullable().default(null),
  }),
})

const Verb = z.strictObject({ execution_id: ExecutionId, reason: z.string().max(REASON_CHARS_MAX).optional() })
const CurrentStatus = z.object({ execution_id: ExecutionId, status: ExecutionStatus })

/** Stops dispatching tasks of an execution. Running tasks run to their end. A repeat changes nothing. */
export const pauseExecution = request({
  subject: 'execution.pause',
  owner: 'orchestrator',
  summary: 'Stop dispatching tasks of an execution.',
  timeoutMs: 5_000,
  idempotent: true,
  input: Verb,
  output: CurrentStatus,
})

/**
 * Resumes a paused execution; one that paused because its budget has no room for a model call needs a higher one, or
 * another day. A repeat changes nothing.
 */
export const resumeExecution = request({
  subject: 'execution.resume',
  owner: 'orchestrator',
  summary: 'Resume a paused execution.',
  timeoutMs: 5_000,
  idempotent: true,
  input: Verb.extend({
    /** What models may cost from now on, with what they have cost, in dollars. */
    budget_usd: Usd.optional(),
  }),
  output: CurrentStatus,
})

/**
 * Retries an execution that failed, was cancelled or was undone: from the first unfinished task, keeping what is done
 * and approved.
 */
export const retryExecution = request({
  subject: 'execution.retry',
  owner: 'orchestrator',
  summary: 'Retry what failed, keeping what is done.',
  timeoutMs: 5_000,
  idempotent: false,
  input: Verb,
  output: CurrentStatus,
})

/**
 * Applies one verb to many executions: those that are named, or all that match every filter and to which the verb
 * applies. Each is handled separately; a refused one does not affect the others. A filter or `all` must be given.
 */
export const steerExecutions = request({
  subject: 'execution.steer',
  owner: 'orchestrator',
  summary: 'Pause, resume, cancel, retry or roll back many executions, with a result for each.',
  timeoutMs: 60_000,
  idempotent: false,
  input: z.strictObject({
    verb: z.enum(['pause', 'resume', 'cancel', 'retry', 'rollback']),
    execution_ids: z.array(ExecutionId).min(1).max(500).optional(),
    /** That used this template. */
    template: z.string().min(1).max(128).optional(),
    /** With an action that names this target. */
    target: z.string().min(1).max(256).optional(),
    all: z.literal(true).optional(),
    /** With cancel: undo what was done. */
    undo: z.boolean().default(false),
    /** List them, and do nothing. */
    dry_run: z.boolean().default(false),
    /** Pause goals that would restore what is undone; otherwise the request is refused if there are any. */
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
        /** The approval that the rollback waits for. */
        approval_id: ApprovalId.optional(),
      }),
    ),
    next_cursor: ExecutionId.nullable(),
  }),
})
export type SteerResult = z.output<typeof steerExecutions.output>['results'][number]
