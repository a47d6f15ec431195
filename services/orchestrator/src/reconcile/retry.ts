/** Trying again what failed and may pass, and asking a person when it does not. */
import { uuidV5 } from '@deed/mesh/canonical-json'
import type { ErrorBody } from '@deed/proto/errors'
import type { TaskId } from '@deed/proto/ids'
import type { TaskRow } from '../snapshot.ts'
import { addTasks, type Draft, isoTime, record, setActual } from './draft.ts'
import type { Limits } from './input.ts'
import { newTask } from './new-task.ts'

/** Backoff after transient failures: 1, 2, 4 ... seconds, with jitter, up to the cap. */
const BACKOFF_MS_FIRST = 1_000
const BACKOFF_MS_MAX = 60_000
/** More failures than this, and no progress for as long: a person is asked, once. */
export const FAILURES_MAX = 10
const STUCK_MS = 3_600_000

export function retryLater(draft: Draft, task: TaskRow, error: ErrorBody, limits: Limits): void {
  const failures = task.failure_count + 1
  if (failures > FAILURES_MAX && draft.now - Date.parse(task.progress_at) > STUCK_MS) {
    setActual(draft, task, { actual_status: 'blocked', failure_count: failures, last_error: error })
    record(draft, 'task.blocked', { name: task.name, error }, task.task_id)
    askPerson(draft, task)
    return
  }
  const next = isoTime(draft.now + backoff(task.failure_count, limits))
  setActual(draft, task, {
    actual_status: 'pending',
    failure_count: failures,
    last_error: error,
    next_attempt_at: next,
    finished_at: null,
  })
  record(draft, 'task.retried', { name: task.name, failures, error, next_attempt_at: next }, task.task_id)
}

export function backoff(failures: number, limits: Limits): number {
  const full = Math.min(BACKOFF_MS_FIRST * 2 ** failures, BACKOFF_MS_MAX)
  return full * (0.5 + limits.random() / 2)
}

/** One review for a task, however often it fails. */
export function askPerson(draft: Draft, task: TaskRow): void {
  const name = `HUMAN-REVIEW-${task.name}`
  for (const { name: taken } of draft.tasks.values()) if (taken === name) return
  const review = newTask(draft.execution, {
    task_id: uuidV5(draft.execution.execution_id, name) as TaskId,
    position: draft.tasks.size,
    name,
    title: `${task.title}: ${task.last_error?.message ?? 'a person must look'}`,
    task_kind: 'review',
    capability: 'human',
    priority: 1,
    now: draft.now,
  })
  addTasks(draft, [review])
}
