/** An execution is to end otherwise than by being done: what is desired of its tasks changes, nothing else. */
import { DeedError, type ErrorBody } from '@deed/proto/errors'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import type { Ending } from '../snapshot.ts'
import { type Draft, record, setActual, setApproval, setDesired } from './draft.ts'

export function cancelled(
  draft: Draft,
  { reason, undo, by }: { reason: string | null; undo: boolean; by: string },
): void {
  const { execution } = draft
  if (execution.status === 'cancelled') return
  if (FINAL_EXECUTION_STATUSES.has(execution.status)) {
    throw new DeedError('not_cancellable', `the execution is ${execution.status} already; roll it back to undo it`)
  }
  if (execution.ending !== null) return
  record(draft, 'execution.cancel_requested', { by, reason, undo })
  end(
    draft,
    'cancelled',
    { code: 'cancelled', message: `cancelled by ${by}${reason === null ? '' : `: ${reason}`}`, retryable: false },
    undo,
  )
}

export function rolledBack(draft: Draft, { reason, by }: { reason: string | null; by: string }): void {
  const { execution } = draft
  if (execution.status === 'rolled_back' || execution.status === 'undoing') return
  if (!FINAL_EXECUTION_STATUSES.has(execution.status)) {
    throw new DeedError('not_undoable', `the execution is ${execution.status}; cancel it with undo instead`)
  }
  if (execution.pruned_at) {
    throw new DeedError('not_undoable', `what a rollback takes was removed at ${execution.pruned_at} (retention)`)
  }
  const effects = [...draft.tasks.values()].filter(({ effect }) => effect !== 'none')
  if (effects.length === 0)
    throw new DeedError('not_undoable', 'the execution has changed nothing that could be undone')
  record(draft, 'execution.rollback_requested', { by, reason })
  execution.status = 'undoing'
  execution.finished_at = null
  execution.settled = false
  end(draft, 'rolled_back', null, true)
}

/** Sets what is desired of every task to what the ending asks for. */
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
        setActual(draft, task, { actual_status: 'cancelled' })
      }
    } else if (task.actual_status === 'in_progress') {
      if (task.task_kind === 'solve') setActual(draft, task, { actual_status: 'cancelled', lease_expires_at: null })
      setDesired(draft, task, { desired_status: undo && task.task_kind === 'act' ? 'undone' : 'cancelled' })
    } else if (undo && task.effect !== 'none' && task.actual_status !== 'undone') {
      setDesired(draft, task, { desired_status: 'undone' })
      if (task.actual_status === 'skipped') setActual(draft, task, { actual_status: 'cancelled' })
    }
  }
  for (const approval of draft.approvals.values()) {
    if (approval.status === 'pending') setApproval(draft, approval, { status: 'cancelled' })
  }
}
