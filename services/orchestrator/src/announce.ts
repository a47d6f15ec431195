/** What has become durable, told live. */
import type { Bus } from '@deed/mesh/bus'
import { type Raised, raiseAlert } from '@deed/mesh/raise-alert'
import { type AuditRow, executionEvent } from '@deed/proto/execution'
import { type Draft, hasEnded } from './reconcile/draft.ts'
import type { AuditEntry } from './snapshot.ts'

const TASK_CHARS_SHOWN = 200
const MESSAGE_CHARS_MAX = 4_000

/** One event for each row that the draft added to the audit log, and an alert where somebody is asked to decide. */
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
    if (row.type === 'approval.requested') raiseAlert(bus, approvalWanted(draft, row.data), new Date(row.at))
  }
}

function approvalWanted({ execution, approvals }: Draft, data: AuditEntry['data']): Raised {
  const { tenant, execution_id, user_name: user, request } = execution
  const approval = [...approvals.values()].find(({ approval_id: id }) => id === data.approval_id)
  const what = approval?.actions.length === 1 ? approval.actions[0]?.summary : `${approval?.actions.length} actions`
  return {
    name: 'approval-wanted',
    severity: 'info',
    tenant,
    executionId: execution_id,
    cause: `${data.approval_id}/${approval?.asked_at}`,
    message:
      `${user} asks for "${request.task.slice(0, TASK_CHARS_SHOWN)}", which wants agreement of level ${data.level} to ${what}`
        .slice(0, MESSAGE_CHARS_MAX)
        .toWellFormed(),
    data: { approval_id: String(data.approval_id), level: Number(data.level), plan_hash: String(data.plan_hash) },
  }
}
