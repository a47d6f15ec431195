/** Work for people: saying what words mean, reviewing tasks that failed for good, and providing what only people can. */
import { z } from 'zod'
import { Action, ActionResult } from './action.ts'
import { OptionId } from './agent.ts'
import { request } from './contract.ts'
import { ErrorBody } from './errors.ts'
import { ApprovalId, ExecutionId, TaskId } from './ids.ts'
import { Evidence } from './observation.ts'
import { ExecutionStatus, TaskStatus } from './states.ts'

/** The kind of action that a person does: it is never dispatched, and ends with a decision or at its deadline. */
export const HUMAN_TASK = 'human.task'

const DAY_MS = 86_400_000

export const HumanTaskInput = z.strictObject({
  /** What the person is asked for, in a sentence. */
  ask: z.string().min(1).max(4_096),
  details: z.string().max(65_536).optional(),
  /** Counted from the request, by the database's clock; afterwards it counts as denied. */
  expires_in_ms: z
    .int()
    .min(1_000)
    .max(90 * DAY_MS)
    .default(7 * DAY_MS),
})
export type HumanTaskInput = z.output<typeof HumanTaskInput>

/**
 * Why a person must review. stuck: temporary failures, too many. failed: it failed for good, and the request says ask.
 * undo: its effect cannot be reversed.
 */
export const ReviewCause = z.enum(['stuck', 'failed', 'undo'])
export type ReviewCause = z.output<typeof ReviewCause>

/**
 * A person's decisions on a task of theirs.
 *
 * - retry: try it again, and reset the count of failures; for a goal: check it again, as `goal.resume` does.
 * - replan: a model is asked for other actions; what is done stays done, and what waits for it waits for those.
 * - skip: continue without it; for an undo: leave the effect.
 * - provide: a person did it, and signs for the result; for an undo: a person restored the state.
 * - cancel: cancel the execution, and undo what it did; for a goal: delete it.
 * - choose: one of the readings that a question offers, or new words.
 * - deny: nobody does it, or none of the readings is meant; the execution is denied, and undone.
 */
export const PersonDecision = z.enum(['retry', 'replan', 'skip', 'provide', 'cancel', 'choose', 'deny'])
export type PersonDecision = z.output<typeof PersonDecision>

/** What the words of a task may mean, and what would follow. */
export const OpenQuestion = z.object({
  text: z.string(),
  /** Empty where only new words can answer. */
  options: z.array(
    z.object({
      id: OptionId,
      reading: z.string(),
      /** In brief; what an approval covers is shown whole before it. */
      actions: z.array(z.object({ kind: z.string(), title: z.string() })),
    }),
  ),
})
export type OpenQuestion = z.output<typeof OpenQuestion>

/** One of the readings, or the task in other words. */
export const Answer = {
  option: OptionId.optional(),
  words: z.string().min(1).max(65_536).optional(),
}

/**
 * Answers the question that an execution waits with, by its requester or an approver: one of the options, or the task in
 * other words. Valid once. The plan then goes its ordinary way, with its approval. New words may be asked about again, at
 * most three times in all.
 */
export const chooseReading = request({
  subject: 'execution.choose',
  owner: 'orchestrator',
  summary: 'Say what the words of a task mean.',
  timeoutMs: 10_000,
  idempotent: false,
  input: z.strictObject({
    /** The `approval_id` of the reply that has the question. */
    approval_id: ApprovalId,
    /** Give one of the two. */
    ...Answer,
  }),
  output: z.object({ approval_id: ApprovalId, execution_id: ExecutionId, status: ExecutionStatus }),
})

/** A task that waits for a person, or did. */
export const PersonTask = z.object({
  /** What `approval.decide` takes: the id of the task, or of the goal. */
  approval_id: ApprovalId,
  execution_id: ExecutionId,
  kind: z.enum(['review', 'provide', 'choose']),
  /** The words of the request. */
  task: z.string(),
  name: z.string(),
  /** What is requested, in a sentence. */
  title: z.string(),
  details: z.string().nullable(),
  status: TaskStatus,
  /** The currently allowed decisions. */
  decisions: z.array(PersonDecision),
  requested_by: z.string(),
  asked_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable(),
  /** Of a review. goal: a goal keeps drifting, and is blocked. */
  cause: z.enum([...ReviewCause.options, 'goal']).nullable(),
  /** Of a review: the task that it is about. */
  about: z
    .object({
      task_id: TaskId,
      name: z.string(),
      title: z.string(),
      status: TaskStatus,
      level: z.int(),
      failures: z.int(),
      error: ErrorBody.nullable(),
      action: Action.nullable(),
    })
    .nullable(),
  /** Of the kind choose. */
  question: OpenQuestion.nullable().default(null),
  /** Who decided what, and when. */
  evidence: Evidence.nullable(),
  result: ActionResult.nullable(),
})
export type PersonTask = z.output<typeof PersonTask>
