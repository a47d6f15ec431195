/** An execution that ended otherwise than by being done is to be tried again. */
import { DeedError } from '@deed/proto/errors'
import type { ExecutionStatus } from '@deed/proto/states'
import { recall } from './decided.ts'
import { type Draft, record, setActual, setDesired } from './draft.ts'

const RETRYABLE: ReadonlySet<ExecutionStatus> = new Set(['failed', 'cancelled', 'rolled_back'])

/** @throws {DeedError} `not_retryable` where it is done or goes on, or where what was agreed to is no longer */
export function retried(draft: Draft, { by, reason }: { by: string; reason: string | null }): void {
  const { execution, tasks, approvals } = draft
  if (!RETRYABLE.has(execution.status)) {
    throw new DeedError(
      'not_retryable',
      `the execution is ${execution.status}; failed, cancelled and rolled back ones can be retried`,
    )
  }
  const unfinished = [...tasks.values()].filter(
    ({ actual_status, task_kind }) => actual_status !== 'done' && actual_status !== 'skipped' && task_kind !== 'review',
  )
  for (const { approval_id: id, title } of unfinished) {
    if (id === null) continue
    const approval = approvals.get(id)
    const good = approval?.status === 'approved' && Date.parse(approval.expires_at) > draft.now
    if (approval?.status !== 'consumed' && !good) {
      throw new DeedError('not_retryable', `"${title}" was not agreed to; ask for the task again`)
    }
  }
  if (execution.pruned_at) {
    throw new DeedError('not_retryable', `its tasks were removed at ${execution.pruned_at}; ask for the task again`)
  }
  record(draft, 'execution.retry_requested', { by, reason, tasks: unfinished.map(({ name }) => name) })
  for (const task of unfinished) {
    setDesired(draft, task, { desired_status: 'done' })
    setActual(draft, task, {
      actual_status: 'pending',
      failure_count: 0,
      last_error: null,
      next_attempt_at: null,
      lease_expires_at: null,
      verification: null,
      undo_verification: null,
      result: null,
      finished_at: null,
      // A person is asked anew.
      ...(task.capability === 'human' ? { started_at: null } : {}),
    })
  }
  execution.status = tasks.size === 0 ? 'planning' : 'running'
  execution.ending = null
  execution.error = null
  execution.result = null
  execution.finished_at = null
  execution.settled = false
  draft.executionChanged = true
  recall(draft)
}
