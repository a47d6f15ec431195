/** Tasks for people: to review a task that failed for good, and to do human work. */
import { derivedUuid } from '@deed/json/canonical-json'
import type { TaskId } from '@deed/proto/ids'
import type { ReviewCause } from '@deed/proto/person'
import { addTasks, type Draft, record, setActual, setDesired } from '../execution/draft.ts'
import { isoTime } from '../execution/iso-time.ts'
import { newTask } from '../execution/new-task.ts'
import { askedOf, choiceOf, proposalOf, type Review, reviewOf } from '../execution/person-task.ts'
import type { TaskRow } from '../execution/snapshot.ts'
import { consume } from './consume-approval.ts'
import { isReplannable } from './replan-failed.ts'

const TITLE_CHARS_MAX = 512

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
  const replannable = cause !== 'undo' && isReplannable(task)
  const spec: Review = { about: task.task_id, cause, ...(replannable ? { replannable } : {}) }
  const review = newTask(draft.execution, {
    task_id: derivedUuid(draft.execution.execution_id, name) as TaskId,
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

/** Human work, answers and decisions are requested when their turn has come; the deadline runs from then on. */
export function requestWork(draft: Draft, task: TaskRow): void {
  if (task.started_at !== null) return
  // What it waits for may take longer than an approval is valid that is not used.
  const approval = task.approval_id === null ? undefined : draft.approvals.get(task.approval_id)
  if (approval?.status === 'approved') consume(draft, approval)
  const proposal = proposalOf(task)
  if (proposal) {
    const { by, type, subject } = proposal
    setActual(draft, task, { started_at: isoTime(draft.now) })
    return record(draft, 'decision.proposed', { name: task.name, by, type, subject: subject.name }, task.task_id)
  }
  const work = askedOf(task)
  const choice = choiceOf(task)
  const asked = work ? { kind: 'provide', ask: work.ask } : choice && { kind: 'choose', ask: choice.question.text }
  if (asked === undefined) return
  setActual(draft, task, { started_at: isoTime(draft.now) })
  record(draft, 'person.asked', { name: task.name, ...asked }, task.task_id)
}
