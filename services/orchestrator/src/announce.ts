/** What has become durable, told live. */
import type { Bus } from '@deed/mesh/bus'
import { type AuditRow, executionEvent } from '@deed/proto/execution'
import { type Draft, hasEnded } from './reconcile/draft.ts'

/** One event for each row that the draft added to the audit log. */
export function announce(bus: Bus, draft: Draft): void {
  const { execution, tasks } = draft
  let ended = 0
  let current: string | null = null
  for (const task of tasks.values()) {
    if (task.actual_status === 'in_progress') current ??= task.title
    else if (task.actual_status !== 'pending') ended++
  }
  const percent = tasks.size === 0 ? (hasEnded(draft) ? 100 : 0) : Math.floor((100 * ended) / tasks.size)
  for (const { hash, task_id, ...row } of draft.audit) {
    bus.announce(executionEvent, execution.execution_id, {
      ...(row as Pick<AuditRow, 'seq' | 'type' | 'at' | 'data'>),
      execution_id: execution.execution_id,
      ...(task_id === null ? {} : { task_id }),
      status: execution.status,
      percent,
      current,
    })
  }
}
