/** Standing goals: what is to stay so. It is looked at again and again, and brought about again where it is not. */
import { z } from 'zod'
import { Action } from './action.ts'
import { request } from './contract.ts'
import { RequestContext, TASK_CHARS_MAX } from './execution.ts'
import { ExecutionId } from './ids.ts'
import { Manifest } from './manifest.ts'

/** Of a goal or a schedule; unique within its tenant. */
export const StandingName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be lower-case letters, digits, ".", "_" or "-", at most 63')
export type StandingName = z.output<typeof StandingName>

/**
 * establishing: brought about for the first time, agreed to where policy wants that. active: looked at. blocked: given
 * up until a person resumes it.
 */
export const GOAL_STATUSES = ['establishing', 'active', 'blocked'] as const
export const GoalStatus = z.enum(GOAL_STATUSES)
export type GoalStatus = z.output<typeof GoalStatus>

/** unknown: it could not be looked at. */
export const GOAL_OUTCOMES = ['holds', 'drifted', 'unknown'] as const
export const GoalOutcome = z.enum(GOAL_OUTCOMES)
export type GoalOutcome = z.output<typeof GoalOutcome>

export const GoalView = z.object({
  name: StandingName,
  /** Of this goal and no later one of the same name. */
  goal_id: z.uuid(),
  user: z.string(),
  task: z.string(),
  status: GoalStatus,
  paused: z.boolean(),
  /** Why it is blocked. */
  why: z.string().nullable(),
  interval_ms: z.int(),
  remedies_max: z.int(),
  /** What is looked for, and what is done where it is not found: nothing else. */
  actions: z.array(Action),
  /** Who agreed that the actions are done whenever they are needed; null where nobody had to, or has yet. */
  agreed_by: z.string().nullable(),
  looks: z.int(),
  last_look_at: z.iso.datetime().nullable(),
  last_outcome: GoalOutcome.nullable(),
  /** What the last look saw, in a sentence. */
  last_seen: z.string().nullable(),
  next_look_at: z.iso.datetime().nullable(),
  drifts: z.int(),
  last_drift_at: z.iso.datetime().nullable(),
  /** Of the last hour. */
  remedies: z.array(z.object({ execution_id: ExecutionId, at: z.iso.datetime() })),
  /** The latest that ran for it: the first, or a remedy. */
  execution_id: ExecutionId.nullable(),
  created_at: z.iso.datetime(),
})
export type GoalView = z.output<typeof GoalView>

/** An hour is what `remedies_max` counts in. */
export const REMEDY_WINDOW_MS = 3_600_000

/**
 * Keep something so. It is brought about once by an ordinary execution, and agreed to there where policy wants that,
 * for every later time too; the goal stands once that is done. The same again changes at most how often is looked, and is observed at once;
 * another under the same name takes its place.
 */
export const putGoal = request({
  subject: 'goal.put',
  owner: 'orchestrator',
  summary: 'Keep something so.',
  timeoutMs: 15_000,
  idempotent: true,
  /** Exactly one of `task`, `manifest` and `execution_id`. */
  input: z.strictObject({
    name: StandingName,
    task: z.string().max(TASK_CHARS_MAX).optional(),
    /** Keep what its tasks bring about, each where it does not hold, in the order of their dependencies. */
    manifest: Manifest.optional(),
    context: RequestContext.optional(),
    /** Keep what this one, which is done, brought about. */
    execution_id: ExecutionId.optional(),
    interval_ms: z.int().min(1_000).max(86_400_000).default(30_000),
    /** How often an hour it is brought about again before it is given up. */
    remedies_max: z.int().min(1).max(3_600).default(5),
  }),
  output: GoalView,
})
export type PutGoal = z.output<typeof putGoal.input>

export const listGoals = request({
  subject: 'goal.list',
  owner: 'orchestrator',
  summary: 'Standing goals, by name.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({ name: StandingName.optional() }),
  output: z.object({ goals: z.array(GoalView) }),
})

/** Looks no more. What it brought about stays. */
export const deleteGoal = request({
  subject: 'goal.delete',
  owner: 'orchestrator',
  summary: 'Keep something so no longer.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({ name: StandingName }),
  output: z.object({ deleted: z.boolean() }),
})

export const pauseGoal = request({
  subject: 'goal.pause',
  owner: 'orchestrator',
  summary: 'Look no more until it is resumed.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({ name: StandingName }),
  output: GoalView,
})

/** Of a paused goal, or a blocked one: remedies are counted from here on. */
export const resumeGoal = request({
  subject: 'goal.resume',
  owner: 'orchestrator',
  summary: 'Look again.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({ name: StandingName }),
  output: GoalView,
})
