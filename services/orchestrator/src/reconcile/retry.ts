/** Retries temporary failures, and asks a person after too many. */
import type { ErrorBody } from '@deed/proto/errors'
import type { Evidence } from '@deed/proto/observation'
import { type Draft, record, setActual } from '../execution/draft.ts'
import { isoTime } from '../execution/iso-time.ts'
import type { TaskRow } from '../execution/snapshot.ts'
import { askPerson } from './ask-person.ts'
import type { Limits } from './input.ts'
import { mayReplanAlone, replanFailed } from './replan-failed.ts'

/** Backoff after temporary failures: 1, 2, 4 ... seconds, with jitter, up to the cap. */
const BACKOFF_MS_FIRST = 1_000
const BACKOFF_MS_MAX = 60_000
/** After more failures than this, and no progress for as long, a person is asked, once. */
const FAILURES_MAX = 10
const STUCK_MS = 3_600_000

export function retryLater(draft: Draft, task: TaskRow, error: ErrorBody, limits: Limits): void {
  const failures = task.failure_count + 1
  if (failures > FAILURES_MAX && draft.now - Date.parse(task.progress_at) > STUCK_MS) {
    setActual(draft, task, { actual_status: 'blocked', failure_count: failures, last_error: error })
    record(draft, 'task.blocked', { name: task.name, error }, task.task_id)
    askPerson(draft, task, 'stuck')
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

function backoff(failures: number, limits: Limits): number {
  const full = Math.min(BACKOFF_MS_FIRST * 2 ** failures, BACKOFF_MS_MAX)
  return full * (0.5 + limits.random() / 2)
}

/** An undo failed: a temporary failure is retried, and a person is asked about others. */
export function undoLater(draft: Draft, task: TaskRow, error: ErrorBody, limits: Limits): void {
  const { name, failure_count: failures } = task
  if (error.retryable && failures < FAILURES_MAX) {
    setActual(draft, task, {
      actual_status: 'failed',
      failure_count: failures + 1,
      last_error: error,
      next_attempt_at: isoTime(draft.now + backoff(failures, limits)),
    })
    return record(draft, 'task.retried', { name, error, intent: 'undo' }, task.task_id)
  }
  setActual(draft, task, { actual_status: 'blocked', last_error: error })
  record(draft, 'task.blocked', { name, error, intent: 'undo' }, task.task_id)
  askPerson(draft, task, 'undo')
}

/** A permanent failure: everything is undone, a person is asked, or the task is planned again, as the request says. */
export function failForGood(draft: Draft, task: TaskRow, error: ErrorBody, evidence: Evidence | null = null): void {
  const how = task.on_failure ?? draft.execution.request.on_failure
  const ask = how === 'ask'
  setActual(draft, task, {
    actual_status: ask ? 'blocked' : 'failed',
    failure_count: task.failure_count + 1,
    last_error: error,
    lease_expires_at: null,
  })
  const { name, token } = task
  record(draft, ask ? 'task.blocked' : 'task.failed', { name, token, error, evidence }, task.task_id)
  if (how === 'replan' && mayReplanAlone(draft, task)) return replanFailed(draft, task)
  if (ask) askPerson(draft, task, 'failed')
}
