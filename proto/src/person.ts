/** Work that people do: looking at what the machine cannot settle, and giving what only they have. */
import { z } from 'zod'
import { Action, ActionResult } from './action.ts'
import { ErrorBody } from './errors.ts'
import { ApprovalId, ExecutionId, TaskId } from './ids.ts'
import { Evidence } from './observation.ts'
import { TaskStatus } from './states.ts'

/** The kind of action that a person does: it is never handed out, and ends by a decision or by its time. */
export const HUMAN_TASK = 'human.task'

const DAY_MS = 86_400_000

export const HumanTaskInput = z.strictObject({
  /** What the person is asked for, in a sentence. */
  ask: z.string().min(1).max(4_096),
  details: z.string().max(65_536).optional(),
  /** From when it is asked, by the database's clock; then it is as if it had been denied. */
  expires_in_ms: z
    .int()
    .min(1_000)
    .max(90 * DAY_MS)
    .default(7 * DAY_MS),
})
export type HumanTaskInput = z.output<typeof HumanTaskInput>

/**
 * Why a person must look. stuck: it fails in passing, again and again. failed: it failed for good, and the request
 * wants to be asked. undo: what it did cannot be brought back.
 */
export const ReviewCause = z.enum(['stuck', 'failed', 'undo'])
export type ReviewCause = z.output<typeof ReviewCause>

/**
 * What a person can decide about a task of theirs.
 *
 * - retry: try it again, with a clean count of failures; of a goal: look at it again, as `goal.resume` does.
 * - skip: go on as if it were not wanted; of an undo: leave it as it is.
 * - provide: a person did it, and signs for the result; of an undo: a person brought it back.
 * - cancel: give the execution up, and undo what it did; of a goal: keep it no longer.
 * - deny: nobody does it; the execution is denied, and undone.
 */
export const PersonDecision = z.enum(['retry', 'skip', 'provide', 'cancel', 'deny'])
export type PersonDecision = z.output<typeof PersonDecision>

/** A task that waits for a person, or did. */
export const PersonTask = z.object({
  /** What `approval.decide` takes: the id of the task, or of the goal. */
  approval_id: ApprovalId,
  execution_id: ExecutionId,
  kind: z.enum(['review', 'provide']),
  /** The words of the request. */
  task: z.string(),
  name: z.string(),
  /** What is wanted, in a sentence. */
  title: z.string(),
  details: z.string().nullable(),
  status: TaskStatus,
  /** That can be made now. */
  decisions: z.array(PersonDecision),
  requested_by: z.string(),
  asked_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable(),
  /** Of a review. goal: something is to stay so, does not, and is given up. */
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
  /** Who decided what, and when. */
  evidence: Evidence.nullable(),
  result: ActionResult.nullable(),
})
export type PersonTask = z.output<typeof PersonTask>
