/** Retries an execution that ended without being done. */
import { DeedError } from '@deed/proto/errors'
import type { ExecutionStatus } from '@deed/proto/states'
import { type Draft, record, setActual, setDesired } from '../execution/draft.ts'
import type { Snapshot, TaskRow } from '../execution/snapshot.ts'
import { needsApproval, refuseDenied, renewApprovals } from './agree-again.ts'
import { recall } from './decided.ts'
import type { Limits, NewApprovals } from './input.ts'

const RETRYABLE: ReadonlySet<ExecutionStatus> = new Set(['failed', 'cancelled', 'rolled_back'])

/** @throws {DeedError} `not_retryable` if it is done or not ended, was denied, or was pruned */
export function toRetry({
  execution,
  tasks,
  approvals,
}: Pick<Snapshot, 'execution' | 'tasks' | 'approvals'>): TaskRow[] {
  if (!RETRYABLE.has(execution.status)) {
    throw new DeedError(
      'not_retryable',
      `the execution is ${execution.status}; failed, cancelled and rolled back ones can be retried`,
    )
  }
  const unfinished = [...tasks.values()].filter(
    ({ actual_status: status, task_kind: kind }) =>
      status !== 'done' && status !== 'skipped' && kind !== 'review' && kind !== 'approve',
  )
  refuseDenied({ approvals }, unfinished)
  if (execution.pruned_at) {
    throw new DeedError('not_retryable', `its tasks were removed at ${execution.pruned_at}; submit the task again`)
  }
  return unfinished
}

/** @throws {DeedError} as `toRetry`; `unavailable` if the tasks have changed since their approval */
export function retried(
  draft: Draft,
  { by, reason, again }: { by: string; reason: string | null; again?: NewApprovals },
  { policyVersion }: Pick<Limits, 'policyVersion'>,
): void {
  const { execution, tasks, now } = draft
  const unfinished = toRetry(draft)
  record(draft, 'execution.retry_requested', { by, reason, tasks: unfinished.map(({ name }) => name) })
  const needing = unfinished.filter((task) => needsApproval(task, draft, { now, policyVersion }))
  renewApprovals(draft, needing, again)
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
      // A person is asked again.
      ...(task.capability === 'human' ? { started_at: null } : {}),
    })
  }
  execution.status = tasks.size === 0 ? 'planning' : 'running'
  execution.ending = null
  execution.error = null
  execution.result = null
  execution.finished_at = null
  execution.followed_up = false
  draft.executionChanged = true
  recall(draft)
}
