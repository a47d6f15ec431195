/** Handles what has expired. */
import type { ErrorBody } from '@deed/proto/errors'
import type { FencingToken } from '@deed/proto/ids'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { type Draft, record, setActual, setApproval, setDesired } from '../execution/draft.ts'
import { expiryOf } from '../execution/person-task.ts'
import { readyTasks } from '../execution/progress.ts'
import { end } from './ending.ts'
import type { Limits } from './input.ts'
import { HAND_OUT_AGAIN_MS } from './next-steps.ts'
import { retryLater, undoLater } from './retry.ts'
import { closeUndo, openUndo } from './undo-requested.ts'

/**
 * After this many leases without any report, an expired one counts as a failure: the task probably kills its worker
 * before a heartbeat reports it.
 */
const UNHEARD_MAX = 3

/** Expires leases and people's tasks. */
export function expired(draft: Draft, limits: Limits): void {
  for (const task of [...draft.progress.running]) {
    if (task.actual_status !== 'in_progress' || task.lease_expires_at === null) continue
    if (Date.parse(task.lease_expires_at) > draft.now) {
      if (task.assigned_agent === null && draft.now - Date.parse(task.last_attempt ?? '') > HAND_OUT_AGAIN_MS) {
        draft.leases.push({ task, token: task.token as FencingToken, intent: task.intent, again: true })
      }
      continue
    }
    const error: ErrorBody = {
      code: 'lease_lost',
      message: `${task.assigned_agent ?? 'the worker'} did not extend its lease in time`,
      retryable: true,
    }
    setActual(draft, task, { lease_expires_at: null })
    const begun = task.assigned_agent !== null
    const { name, token, assigned_agent: agent, intent, last_attempt: since } = task
    record(draft, 'task.lease_lost', { name, token, agent, intent, since }, task.task_id)
    // The outcome is unknown here; the ledger tells the next worker.
    if (task.task_kind === 'act') setActual(draft, task, { effect: 'unknown' })
    setActual(draft, task, { assigned_agent: null })
    const counts = begun || task.token > UNHEARD_MAX
    if (task.intent === 'undo' && counts) undoLater(draft, task, error, limits)
    else if (task.intent === 'undo') setActual(draft, task, { actual_status: 'failed', last_error: error })
    else if (task.desired_status !== 'done') setActual(draft, task, { actual_status: 'cancelled', last_error: error })
    else if (counts) retryLater(draft, task, error, limits)
    // An attempt that never began has not failed.
    else setActual(draft, task, { actual_status: 'pending' })
    if (task.desired_status === 'cancelled' && task.effect !== 'none') {
      setDesired(draft, task, { desired_status: 'undone' })
    }
  }
  for (const task of readyTasks(draft.progress.ready.get('human'))) {
    if (draft.execution.ending !== null || task.actual_status !== 'pending') continue
    if ((expiryOf(task) ?? draft.now + 1) > draft.now) continue
    record(draft, 'person.decided', { name: task.name, decision: 'expired' }, task.task_id)
    end(draft, 'denied', {
      code: 'approval_expired',
      message: `nobody ${task.task_kind === 'choose' ? 'answered' : 'did'} "${task.title}" in time`,
      retryable: false,
    })
  }
}

/** Expires approvals before their use: nothing begins under an expired one. */
export function expireApprovals(draft: Draft): void {
  const undo = openUndo(draft)
  if (undo && Date.parse(undo.expires_at) <= draft.now) {
    closeUndo(draft, 'expired')
    const { approval_id, task_id } = undo
    record(draft, 'approval.decided', { approval_id, decision: 'expired' }, task_id)
  }
  for (const approval of draft.approvals.values()) {
    // An unused approval does not matter once the execution is to end.
    if (draft.execution.ending !== null || FINAL_EXECUTION_STATUSES.has(draft.execution.status)) return
    if (approval.status !== 'pending' && approval.status !== 'approved') continue
    if (approval.asked_at === null || Date.parse(approval.expires_at) > draft.now) continue
    setApproval(draft, approval, { status: 'expired' })
    record(draft, 'approval.decided', { approval_id: approval.approval_id, decision: 'expired' }, approval.task_id)
    end(draft, 'denied', { code: 'approval_expired', message: 'nobody approved it in time', retryable: false })
  }
}
