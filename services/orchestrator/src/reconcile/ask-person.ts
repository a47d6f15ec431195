/** Tasks for people: to review a task that failed for good, and to do human work. */
import { uuidV5 } from '@deed/mesh/canonical-json'
import type { TaskId } from '@deed/proto/ids'
import { HumanTaskInput, type PersonDecision, ReviewCause } from '@deed/proto/person'
import { z } from 'zod'
import type { TaskRow } from '../snapshot.ts'
import { addTasks, type Draft, isoTime, record, setActual, setDesired } from './draft.ts'
import { newTask } from './new-task.ts'

const TITLE_CHARS_MAX = 512

/** The subject of a review, as stored with its task. */
const Review = z.object({ about: z.string(), cause: ReviewCause })
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

/** One open review per task and cause, however often it fails. */
export function askPerson(draft: Draft, task: TaskRow, cause: ReviewCause): void {
  const names = new Set<string>()
  for (const one of draft.tasks.values()) {
    const review = reviewOf(one)
    if (review?.about === task.task_id && review.cause === cause && one.actual_status === 'pending') return
    names.add(one.name)
  }
  const wanted = `HUMAN-REVIEW-${task.name}`
  let name = wanted
  for (let number = 2; names.has(name); number++) name = `${wanted}-${number}`
  const spec: Review = { about: task.task_id, cause }
  const review = newTask(draft.execution, {
    task_id: uuidV5(draft.execution.execution_id, name) as TaskId,
    position: draft.tasks.size,
    name,
    title: `${task.title}: ${task.last_error?.message ?? 'a person must review it'}`
      .slice(0, TITLE_CHARS_MAX)
      .toWellFormed(),
    task_kind: 'review',
    capability: 'human',
    priority: 1,
    spec,
    started_at: isoTime(draft.now),
    now: draft.now,
  })
  addTasks(draft, [review])
  record(
    draft,
    'person.asked',
    { name, kind: 'review', cause, about: task.name, error: task.last_error },
    review.task_id,
  )
}

/** The task was decided in another way: its open review is obsolete. */
export function closeReviewOf(draft: Draft, { task_id }: TaskRow): void {
  for (const one of draft.tasks.values()) {
    if (one.actual_status !== 'pending' || reviewOf(one)?.about !== task_id) continue
    setDesired(draft, one, { desired_status: 'cancelled' })
    setActual(draft, one, { actual_status: 'cancelled' })
  }
}

/** Human work is requested when its turn has come; its deadline runs from then on. */
export function requestWork(draft: Draft, task: TaskRow): void {
  const asked = askedOf(task)
  if (asked === undefined || task.started_at !== null) return
  setActual(draft, task, { started_at: isoTime(draft.now) })
  record(draft, 'person.asked', { name: task.name, kind: 'provide', ask: asked.ask }, task.task_id)
}
