/** Pauses an execution, or resumes it. */
import { DeedError, type ErrorBody } from '@deed/proto/errors'
import { type Draft, record, setActual } from '../execution/draft.ts'
import type { TaskRow } from '../execution/snapshot.ts'

interface Wish {
  by: string
  reason: string | null
}

export function paused(draft: Draft, { by, reason }: Wish): void {
  const { execution } = draft
  if (execution.status === 'paused') return
  if (execution.ending !== null || !['planning', 'waiting', 'running'].includes(execution.status)) {
    throw new DeedError(
      'not_pausable',
      `the execution is ${execution.status}; only one that goes forward can be paused`,
    )
  }
  record(draft, 'execution.pause_requested', { by, reason })
  execution.status = 'paused'
  draft.executionChanged = true
}

/**
 * A model call may cost more than is left of a budget: the task is as before it, and a person who resumes the execution,
 * with more money or another day, lets it try again.
 */
export function pausedForMoney(draft: Draft, task: TaskRow, error: ErrorBody): void {
  setActual(draft, task, { actual_status: 'pending', last_error: error, next_attempt_at: null, finished_at: null })
  record(draft, 'task.retried', { name: task.name, failures: task.failure_count, error }, task.task_id)
  draft.execution.error = error
  paused(draft, { by: 'deed', reason: error.message })
}

export function resumed(draft: Draft, { by, reason, budgetMicrousd }: Wish & { budgetMicrousd?: number }): void {
  const { execution } = draft
  if (execution.status !== 'paused') return
  execution.error = null
  if (budgetMicrousd !== undefined) execution.budget_microusd = budgetMicrousd
  const raised = budgetMicrousd === undefined ? {} : { budget_microusd: budgetMicrousd }
  record(draft, 'execution.resume_requested', { by, reason, ...raised })
  // The next steps decide whether it runs or waits; without a plan there are none yet.
  execution.status = draft.tasks.size === 0 ? 'planning' : 'running'
  draft.executionChanged = true
}
