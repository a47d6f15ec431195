/** A new task. */
import { randomUUIDv7 } from 'node:crypto'
import type { TaskId } from '@deed/proto/ids'
import { isoTime } from './iso-time.ts'
import type { ExecutionRow, TaskRow } from './snapshot.ts'

export function newTask(
  execution: Pick<ExecutionRow, 'tenant' | 'execution_id'>,
  facts: Pick<TaskRow, 'position' | 'name' | 'title' | 'task_kind' | 'capability' | 'priority'> &
    Partial<TaskRow> & { now: number },
): TaskRow {
  const { now, ...given } = facts
  return {
    tenant: execution.tenant,
    execution_id: execution.execution_id,
    task_id: randomUUIDv7() as TaskId,
    desired_status: 'done',
    dependencies: [],
    level: 0,
    approval_id: null,
    spec: null,
    action_hash: null,
    concurrency_key: null,
    resource_key: null,
    replans: 0,
    on_failure: null,
    actual_status: 'pending',
    intent: 'do',
    token: 0,
    assigned_agent: null,
    lease_expires_at: null,
    last_attempt: null,
    next_attempt_at: null,
    failure_count: 0,
    progress_at: isoTime(now),
    effect: 'none',
    last_error: null,
    verification: null,
    undo_verification: null,
    result: null,
    started_at: null,
    finished_at: null,
    ...given,
  }
}
