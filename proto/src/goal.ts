/** Goals: states to keep. A goal is checked periodically, and restored when it does not hold. */
import { z } from 'zod'
import { Action } from './action.ts'
import { request } from './contract.ts'
import { RequestContext, TASK_CHARS_MAX } from './execution.ts'
import { ExecutionId } from './ids.ts'
import { Manifest } from './manifest.ts'

/** Of a goal or a schedule; unique within its tenant. */
export const GoalName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be lower-case letters, digits, ".", "_" or "-", at most 63')
export type GoalName = z.output<typeof GoalName>

/**
 * establishing: done for the first time, with approval if policy requires it. active: checked periodically. blocked:
 * waits until a person resumes it.
 */
export const GOAL_STATUSES = ['establishing', 'active', 'blocked'] as const
export const GoalStatus = z.enum(GOAL_STATUSES)
export type GoalStatus = z.output<typeof GoalStatus>

/** unknown: it could not be checked. */
export const GOAL_OUTCOMES = ['holds', 'drifted', 'unknown'] as const
export const GoalOutcome = z.enum(GOAL_OUTCOMES)
export type GoalOutcome = z.output<typeof GoalOutcome>

export const GoalView = z.object({
  name: GoalName,
  /** Identifies this goal, and no later one of the same name. */
  goal_id: z.uuid(),
  user: z.string(),
  task: z.string(),
  status: GoalStatus,
  paused: z.boolean(),
  /** Why it is blocked. */
  why: z.string().nullable(),
  interval_ms: z.int(),
  remedies_max: z.int(),
  /** What is observed, and done if it does not hold: nothing else. */
  actions: z.array(Action),
  /**
   * Who approved the actions for every time they are needed; null if no approval was required, or none was given yet.
   */
  agreed_by: z.string().nullable(),
  checks: z.int(),
  last_check_at: z.iso.datetime().nullable(),
  last_outcome: GoalOutcome.nullable(),
  /** What the last check observed, in a sentence. */
  last_seen: z.string().nullable(),
  next_check_at: z.iso.datetime().nullable(),
  drifts: z.int(),
  last_drift_at: z.iso.datetime().nullable(),
  /** Of the last hour. */
  remedies: z.array(z.object({ execution_id: ExecutionId, at: z.iso.datetime() })),
  /** Its latest execution: the first one, or a remedy. */
  execution_id: ExecutionId.nullable(),
  created_at: z.iso.datetime(),
})
export type GoalView = z.output<typeof GoalView>

/** The window of `remedies_max`: an hour. */
export const REMEDY_WINDOW_MS = 3_600_000

/**
 * Keeps a state. An ordinary execution establishes it, with approval if policy requires it, which covers every later
 * time, too; the goal is active once that is done. A repeat changes at most the interval, and checks the goal at once;
 * another goal under the same name replaces it.
 */
export const putGoal = request({
  subject: 'goal.put',
  owner: 'orchestrator',
  summary: 'Keep a state.',
  timeoutMs: 15_000,
  idempotent: true,
  /** Exactly one of `task`, `manifest` and `execution_id`. */
  input: z.strictObject({
    name: GoalName,
    task: z.string().max(TASK_CHARS_MAX).optional(),
    /** Keep the outcomes of its tasks, restoring each if it does not hold, in dependency order. */
    manifest: Manifest.optional(),
    context: RequestContext.optional(),
    /** Keep the outcome of this execution, which must be done. */
    execution_id: ExecutionId.optional(),
    interval_ms: z.int().min(1_000).max(86_400_000).default(30_000),
    /** How often per hour it is restored before it is blocked. */
    remedies_max: z.int().min(1).max(3_600).default(5),
  }),
  output: GoalView,
})
export type PutGoal = z.output<typeof putGoal.input>

export const listGoals = request({
  subject: 'goal.list',
  owner: 'orchestrator',
  summary: 'Goals, by name.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({ name: GoalName.optional() }),
  output: z.object({ goals: z.array(GoalView) }),
})

/** Stops checking. Its outcome stays. */
export const deleteGoal = request({
  subject: 'goal.delete',
  owner: 'orchestrator',
  summary: 'Stop keeping a state.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({ name: GoalName }),
  output: z.object({ deleted: z.boolean() }),
})

export const pauseGoal = request({
  subject: 'goal.pause',
  owner: 'orchestrator',
  summary: 'Stop checking until it is resumed.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({ name: GoalName }),
  output: GoalView,
})

/** For a paused or blocked goal: the count of remedies restarts. */
export const resumeGoal = request({
  subject: 'goal.resume',
  owner: 'orchestrator',
  summary: 'Look again.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({ name: GoalName }),
  output: GoalView,
})
