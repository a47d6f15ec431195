/** What a task asks of a person, until when, and what may be decided. */
import { HumanTaskInput, type PersonDecision, ReviewCause } from '@deed/proto/person'
import { z } from 'zod'
import type { TaskRow } from './snapshot.ts'

/** The subject of a review, as stored with its task. */
export const Review = z.object({ about: z.string(), cause: ReviewCause })
export type Review = z.output<typeof Review>

/** @returns undefined if the task is not a review */
export const reviewOf = ({ task_kind, spec }: Pick<TaskRow, 'task_kind' | 'spec'>): Review | undefined =>
  task_kind === 'review' ? Review.safeParse(spec).data : undefined

/** What a person is asked to do. @returns undefined if the task is not a person's */
export const askedOf = ({ task_kind, capability, spec }: TaskRow): HumanTaskInput | undefined =>
  task_kind === 'act' && capability === 'human' ? HumanTaskInput.safeParse(spec?.input).data : undefined

/** The deadline, in milliseconds since 1970. @returns undefined if nobody is asked, or there is no deadline */
export function expiryOf(task: TaskRow): number | undefined {
  const asked = askedOf(task)
  return asked === undefined || task.started_at === null ? undefined : Date.parse(task.started_at) + asked.expires_in_ms
}

export function decisionsFor(task: TaskRow): readonly PersonDecision[] {
  const cause = reviewOf(task)?.cause
  if (cause === undefined) return ['provide', 'deny']
  return cause === 'undo' ? ['retry', 'skip', 'provide'] : ['retry', 'skip', 'provide', 'cancel']
}
