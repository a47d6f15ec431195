import { DeedError } from '@deed/proto/errors'
import type { TaskId } from '@deed/proto/ids'
import { defined } from '@deed/proto/json'
import type { Evidence } from '@deed/proto/observation'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { type Draft, record, setActual } from '../execution/draft.ts'
import { isoTime } from '../execution/iso-time.ts'
import { decisionsFor, proposalOf, reviewOf } from '../execution/person-task.ts'
import { signed } from '../execution/signed.ts'
import type { Snapshot, TaskRow } from '../execution/snapshot.ts'
import { type Moment, needsApproval, renewApprovals } from './agree-again.ts'
import { end } from './ending.ts'
import type { Limits, NewApprovals, Resolution } from './input.ts'
import { isReplannable, replanFailed } from './replan-failed.ts'

/** The task that a decision retries and that needs a new approval first, or nothing. */
export function retriedBy(
  { tasks, approvals }: Pick<Snapshot, 'tasks' | 'approvals'>,
  { taskId, decision }: Pick<Resolution, 'taskId' | 'decision'>,
  moment: Moment,
): TaskRow[] {
  const task = tasks.get(taskId)
  const review = task && reviewOf(task)
  const about = review && [...tasks.values()].find(({ task_id }) => task_id === review.about)
  const again = decision === 'retry' && about?.actual_status === 'blocked' && about.desired_status === 'done'
  return again && needsApproval(about, { approvals }, moment) ? [about] : []
}

/** @throws {DeedError} if the task is not a person's, is decided already, or does not allow the decision */
export function resolved(draft: Draft, resolution: Resolution & { again?: NewApprovals }, limits: Limits): void {
  const { taskId, decision, by, reason, result } = resolution
  const task = openTask(draft, taskId)
  if (decision === 'choose' && task.task_kind === 'choose')
    throw new DeedError('missing_field', 'give option: the id of a reading; or words: the task in other words', {
      path: '$.option',
    })
  const allowed = decisionsFor(task)
  if (!allowed.includes(decision)) {
    throw new DeedError('invalid_request', `${decision} is not allowed here; choose ${allowed.join(', ')}`, {
      path: '$.decision',
    })
  }
  const review = reviewOf(task)
  if (decision === 'provide' && review?.cause !== 'undo' && result === null) {
    throw new DeedError('missing_field', 'give result.text: what is provided', { path: '$.result' })
  }
  record(draft, 'person.decided', { name: task.name, decision, by, reason }, taskId)
  if (!review) return provideOrDeny(draft, task, resolution)
  setActual(draft, task, {
    actual_status: 'done',
    finished_at: isoTime(draft.now),
    verification: signedBy(draft, resolution, 'a person was asked to review it', `${by} decided: ${decision}`),
    result,
  })
  const about = [...draft.tasks.values()].find(({ task_id }) => task_id === review.about)
  if (about?.actual_status !== 'blocked') return
  if (review.cause === 'undo') resolveUndo(draft, about, resolution)
  else resolveTask(draft, about, resolution, limits)
}

/** A task that waits for a person. @throws {DeedError} if it is not a person's, is decided already, or is not open yet */
export function openTask({ tasks }: Pick<Snapshot, 'tasks'>, id: TaskId): TaskRow {
  const task = tasks.get(id)
  if (task?.capability !== 'human' || task.task_kind === 'approve' || proposalOf(task)) {
    throw new DeedError('not_found', 'there is no such task of a person; `deed get approvals` lists them')
  }
  if (task.actual_status !== 'pending') {
    throw new DeedError('approval_already_used', `the task is already ${task.actual_status}`)
  }
  if (task.started_at === null) {
    throw new DeedError('not_found', 'this task is not open yet: earlier steps are not done')
  }
  return task
}

function provideOrDeny(draft: Draft, task: TaskRow, resolution: Resolution): void {
  const { decision, by, reason } = resolution
  if (decision === 'provide') return finishBy(draft, task, resolution)
  end(draft, 'denied', {
    code: 'approval_denied',
    message: `${by} ${task.task_kind === 'choose' ? 'meant none of the readings of' : 'did not do'} "${task.title}"${reason === null ? '' : `: ${reason}`}`,
    retryable: false,
  })
}

function resolveTask(
  draft: Draft,
  about: TaskRow,
  resolution: Resolution & { again?: NewApprovals },
  limits: Limits,
): void {
  const { decision, by, reason, again } = resolution
  const { name } = about
  switch (decision) {
    case 'retry':
      renewApprovals(draft, retriedBy(draft, resolution, { now: draft.now, ...limits }), again)
      setActual(draft, about, {
        actual_status: 'pending',
        failure_count: 0,
        next_attempt_at: null,
        progress_at: isoTime(draft.now),
        finished_at: null,
      })
      return record(draft, 'task.retried', { name, by }, about.task_id)
    case 'skip':
      setActual(draft, about, { actual_status: 'skipped', finished_at: endOf(draft, about) })
      return record(draft, 'task.skipped', { name, by, reason }, about.task_id)
    case 'replan':
      if (!isReplannable(about)) throw new DeedError('invalid_request', `${name} cannot be planned again`)
      return replanFailed(draft, about, by)
    case 'provide':
      return finishBy(draft, about, resolution)
    default:
      return end(
        draft,
        'cancelled',
        {
          code: 'cancelled',
          message: `${by} gave "${about.title}" up${reason === null ? '' : `: ${reason}`}`,
          retryable: false,
        },
        limits.autoRollback,
      )
  }
}

/** A person did it. */
function finishBy(draft: Draft, task: TaskRow, resolution: Resolution): void {
  const { by, result } = resolution
  const evidence = signedBy(
    draft,
    resolution,
    `a person was asked: ${task.title}`,
    `${by} provided: ${result?.text ?? ''}`,
  )
  setActual(draft, task, {
    actual_status: 'done',
    finished_at: endOf(draft, task),
    verification: evidence,
    result,
    last_error: null,
    next_attempt_at: null,
    progress_at: isoTime(draft.now),
  })
  record(draft, 'task.done', { name: task.name, token: task.token, evidence }, task.task_id)
}

/** A person's decision does not change the time of the effect, which orders the undo. */
const endOf = ({ now }: Draft, { effect, finished_at, last_attempt }: TaskRow): string =>
  (effect === 'none' ? null : (finished_at ?? last_attempt)) ?? isoTime(now)

/** A failed undo is retried, skipped, or done by a person. */
function resolveUndo(draft: Draft, about: TaskRow, resolution: Resolution): void {
  const { decision, by, reason } = resolution
  const { name } = about
  if (decision === 'skip') {
    setActual(draft, about, { actual_status: 'skipped' })
    return record(draft, 'task.skipped', { name, by, reason, intent: 'undo' }, about.task_id)
  }
  if (decision === 'retry') {
    setActual(draft, about, { actual_status: 'failed', failure_count: 0, next_attempt_at: null })
    record(draft, 'task.retried', { name, by, intent: 'undo' }, about.task_id)
    return undoAgain(draft)
  }
  const evidence = signedBy(draft, resolution, `a person was asked to undo ${about.title}`, `${by} restored it`)
  setActual(draft, about, { actual_status: 'undone', undo_verification: evidence, effect: 'none', last_error: null })
  record(draft, 'task.undone', { name, evidence }, about.task_id)
  const stuck = [...draft.tasks.values()].some(({ actual_status }) => actual_status === 'blocked')
  if (!stuck) undoAgain(draft)
}

/** An ended execution with effects left to undo continues undoing. */
function undoAgain(draft: Draft): void {
  const { execution } = draft
  if (!FINAL_EXECUTION_STATUSES.has(execution.status)) return
  execution.status = 'undoing'
  execution.finished_at = null
  execution.followed_up = false
  draft.executionChanged = true
}

const signedBy = (
  { now }: Draft,
  { decision, by, reason, result }: Resolution,
  claimed: string,
  observed: string,
): Evidence =>
  signed({ claimed, observed, at: now, facts: { by, decision, reason, ...defined({ data: result?.data }) } })
