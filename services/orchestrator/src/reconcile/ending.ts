/** Ends an execution other than by completing it: only the desired state of its tasks changes. */
import { DeedError, type ErrorBody } from '@deed/proto/errors'
import type { TaskId } from '@deed/proto/ids'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { type Draft, record, setActual, setApproval, setDesired } from '../execution/draft.ts'
import type { Ending, ExecutionRow } from '../execution/snapshot.ts'
import { closeReviewOf } from './ask-person.ts'
import { toRollBack } from './roll-back.ts'
import { closeUndo } from './undo-requested.ts'

export function cancelled(
  draft: Draft,
  { reason, undo, by }: { reason: string | null; undo: boolean; by: string },
): void {
  const { execution } = draft
  if (execution.status === 'cancelled') return
  if (FINAL_EXECUTION_STATUSES.has(execution.status)) {
    throw new DeedError('not_cancellable', `the execution is already ${execution.status}; roll it back to undo it`)
  }
  if (execution.ending !== null) return
  if (undo && by !== execution.user_name && mayHaveEffect(draft)) {
    throw new DeedError(
      'forbidden',
      `undoing what ${execution.user_name} requested needs an approval: cancel it without undo, then request a rollback`,
    )
  }
  record(draft, 'execution.cancel_requested', { by, reason, undo })
  end(
    draft,
    'cancelled',
    { code: 'cancelled', message: `cancelled by ${by}${reason === null ? '' : `: ${reason}`}`, retryable: false },
    undo,
  )
}

const mayHaveEffect = ({ tasks, progress }: Draft): boolean =>
  progress.running.size > 0 || [...tasks.values()].some(({ effect }) => effect !== 'none')

/** @param taskIds all tasks to undo; undefined: all that have an effect */
export function rolledBack(
  draft: Draft,
  { reason, by, taskIds }: { reason: string | null; by: string; taskIds?: readonly TaskId[] },
): void {
  const { execution, tasks } = draft
  const { status } = execution
  // Repeated for a running undo; a partial undo may become a full one.
  if (status === 'undoing' && (taskIds === undefined ? execution.ending !== 'done' : allUndoing(draft, taskIds))) return
  const chosen = toRollBack(draft, taskIds)
  closeUndo(draft)
  record(draft, 'execution.rollback_requested', {
    by,
    reason,
    ...(taskIds === undefined ? {} : { tasks: chosen.map(({ name }) => name) }),
  })
  draft.executionChanged = true
  execution.status = 'undoing'
  execution.finished_at = null
  execution.followed_up = false
  const left = [...tasks.values()].some(({ effect, task_id }) => effect !== 'none' && !taskIds?.includes(task_id))
  if (taskIds === undefined || !left) return end(draft, 'rolled_back', null, true)
  if (status !== 'undoing') execution.ending = endingAfter(status, execution.ending)
  for (const task of chosen) {
    setDesired(draft, task, { desired_status: 'undone' })
    if (task.actual_status === 'blocked') closeReviewOf(draft, task)
    if (task.actual_status !== 'done' && task.actual_status !== 'in_progress')
      setActual(draft, task, { actual_status: 'failed', failure_count: 0, next_attempt_at: null })
  }
}

/** The ending of an execution after a partial undo. */
const endingAfter = (status: ExecutionRow['status'], ending: Ending | null): Ending =>
  status === 'done' || status === 'failed' || status === 'denied' || status === 'cancelled'
    ? status
    : (ending ?? 'rolled_back')

const allUndoing = ({ tasks }: Draft, ids: readonly TaskId[]): boolean =>
  ids.every((id) => tasks.get(id)?.desired_status === 'undone')

/** Sets the desired state of every task for the ending. */
export function end(draft: Draft, ending: Ending, error: ErrorBody | null, undo = true): void {
  const { execution } = draft
  draft.executionChanged = true
  execution.ending = ending
  if (error !== null) execution.error = error
  for (const task of draft.tasks.values()) {
    if (task.actual_status === 'pending' || task.actual_status === 'blocked') {
      if (task.effect === 'none') {
        setDesired(draft, task, { desired_status: 'cancelled' })
        setActual(draft, task, { actual_status: 'cancelled' })
      } else {
        setDesired(draft, task, { desired_status: 'undone' })
        // Its undo does not wait for the time of a try that will not be.
        setActual(draft, task, { actual_status: 'cancelled', failure_count: 0, next_attempt_at: null })
      }
    } else if (task.actual_status === 'in_progress') {
      if (task.task_kind === 'solve') setActual(draft, task, { actual_status: 'cancelled', lease_expires_at: null })
      setDesired(draft, task, { desired_status: undo && task.task_kind === 'act' ? 'undone' : 'cancelled' })
    } else if (undo && task.effect !== 'none' && task.actual_status !== 'undone') {
      setDesired(draft, task, { desired_status: 'undone' })
      if (task.actual_status === 'skipped') setActual(draft, task, { actual_status: 'cancelled', failure_count: 0 })
    }
  }
  for (const approval of draft.approvals.values()) {
    if (approval.status === 'pending') setApproval(draft, approval, { status: 'cancelled' })
  }
}
