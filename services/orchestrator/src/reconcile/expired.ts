/** Time has passed. */
import type { ErrorBody } from '@deed/proto/errors'
import type { FencingToken } from '@deed/proto/ids'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { expiryOf } from './ask-person.ts'
import { type Draft, record, setActual, setApproval, setDesired } from './draft.ts'
import { end } from './ending.ts'
import type { Limits } from './input.ts'
import { readyTasks } from './progress.ts'
import { retryLater, undoLater } from './retry.ts'
import { HAND_OUT_AGAIN_MS } from './settle.ts'
import { closeUndo, openUndo } from './undo-asked.ts'

/**
 * Leases of a task after which one that ends unheard of counts as a failure: by then it is likely that the task kills
 * whoever takes it, before a heartbeat could say that it was taken.
 */
const UNHEARD_MAX = 3

/** Leases and people's tasks whose time is over. */
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
      message: `${task.assigned_agent ?? 'nobody'} did not say in time that it still works on it`,
      retryable: true,
    }
    setActual(draft, task, { lease_expires_at: null })
    const begun = task.assigned_agent !== null
    const { name, token, assigned_agent: agent, intent } = task
    record(draft, 'task.lease_lost', { name, token, agent, intent }, task.task_id)
    // Nobody knows what came of it; the ledger does, whoever takes it over.
    if (task.task_kind === 'act') setActual(draft, task, { effect: 'unknown' })
    setActual(draft, task, { assigned_agent: null })
    const counts = begun || task.token > UNHEARD_MAX
    if (task.intent === 'undo' && counts) undoLater(draft, task, error, limits)
    else if (task.intent === 'undo') setActual(draft, task, { actual_status: 'failed', last_error: error })
    else if (task.desired_status !== 'done') setActual(draft, task, { actual_status: 'cancelled', last_error: error })
    else if (counts) retryLater(draft, task, error, limits)
    // What was never begun has not failed.
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
      message: `nobody did "${task.title}" in time`,
      retryable: false,
    })
  }
}

/** Agreements whose time is over before anything used them: whatever has happened, nothing begins under one. */
export function expireApprovals(draft: Draft): void {
  const undo = openUndo(draft)
  if (undo && Date.parse(undo.expires_at) <= draft.now) {
    closeUndo(draft, 'expired')
    const { approval_id, task_id } = undo
    record(draft, 'approval.decided', { approval_id, decision: 'expired' }, task_id)
  }
  for (const approval of draft.approvals.values()) {
    // What was agreed to and never used is of no account once it is to end.
    if (draft.execution.ending !== null || FINAL_EXECUTION_STATUSES.has(draft.execution.status)) return
    if (approval.status !== 'pending' && approval.status !== 'approved') continue
    if (approval.asked_at === null || Date.parse(approval.expires_at) > draft.now) continue
    setApproval(draft, approval, { status: 'expired' })
    record(draft, 'approval.decided', { approval_id: approval.approval_id, decision: 'expired' }, approval.task_id)
    end(draft, 'denied', { code: 'approval_expired', message: 'nobody approved it in time', retryable: false })
  }
}
