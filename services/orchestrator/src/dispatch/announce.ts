/** Publishes live events about durable changes. */
import type { Bus } from '@deed/mesh/bus'
import { type Raised, raiseAlert } from '@deed/mesh/raise-alert'
import { type AuditRow, executionEvent } from '@deed/proto/execution'
import type { TaskId } from '@deed/proto/ids'
import { type Draft, hasEnded } from '../execution/draft.ts'
import { askedOf, decisionsFor, reviewOf } from '../execution/person-task.ts'
import type { AuditEntry } from '../execution/snapshot.ts'

const TASK_CHARS_SHOWN = 200
const MESSAGE_CHARS_MAX = 4_000

/** One event for each row that the draft added to the audit log, and an alert if a person should know. */
export function announce(bus: Bus, draft: Draft): void {
  const { execution, tasks, progress } = draft
  const [running] = progress.running
  const current = running?.title ?? null
  const ended = tasks.size - progress.running.size - progress.counts.pending
  const task = execution.request.task.slice(0, TASK_CHARS_SHOWN).toWellFormed()
  const percent = tasks.size === 0 ? (hasEnded(draft) ? 100 : 0) : Math.floor((100 * ended) / tasks.size)
  const events = draft.audit.map(({ hash, task_id, ...row }) => ({
    ...(row as Pick<AuditRow, 'seq' | 'type' | 'at' | 'data'>),
    execution_id: execution.execution_id,
    ...(task_id === null ? {} : { task_id }),
    status: execution.status,
    percent,
    current,
    task,
    user: execution.user_name,
  }))
  bus.announce(executionEvent, [execution.tenant, execution.execution_id], events, execution.trace)
  for (const { task_id, ...row } of draft.audit) {
    const raised = alertFor(draft, row, task_id)
    if (raised) raiseAlert(bus, { ...raised, trace: execution.trace }, new Date(row.at))
  }
}

function alertFor(draft: Draft, { type, data }: Pick<AuditEntry, 'type' | 'data'>, taskId: TaskId | null) {
  switch (type) {
    case 'approval.requested':
      return approvalWanted(draft, data)
    case 'person.asked':
      return personWanted(draft, data, taskId)
    case 'task.failed':
      return taskFailed(draft, data)
    case 'task.cost_unknown':
      return costUnknown(draft, data, taskId)
    default:
      return undefined
  }
}

function personWanted(
  { execution, tasks }: Draft,
  data: AuditEntry['data'],
  taskId: TaskId | null,
): Raised | undefined {
  const task = taskId === null ? undefined : tasks.get(taskId)
  if (!task) return undefined
  const { tenant, execution_id } = execution
  const names = { stuck: 'human-review', failed: 'human-review', undo: 'rollback-failed' } as const
  const cause = reviewOf(task)?.cause
  return {
    name: cause === undefined ? 'person-wanted' : names[cause],
    severity: cause === undefined ? 'info' : cause === 'undo' ? 'critical' : 'warning',
    tenant,
    executionId: execution_id,
    cause: task.task_id,
    message: `${task.name} waits for a person: ${askedOf(task)?.ask ?? task.title}`
      .slice(0, MESSAGE_CHARS_MAX)
      .toWellFormed(),
    data: {
      approval_id: task.task_id,
      name: task.name,
      decisions: [...decisionsFor(task)],
      ...(cause === undefined ? {} : { cause, about: String(data.about) }),
    },
  }
}

/** Once per execution, however many of its tasks fail. */
function taskFailed({ execution }: Draft, data: AuditEntry['data']): Raised {
  const { tenant, execution_id, request, error } = execution
  return {
    name: 'execution-failed',
    severity: 'warning',
    tenant,
    executionId: execution_id,
    message: `"${request.task.slice(0, TASK_CHARS_SHOWN)}" failed: ${error?.message ?? 'it did not succeed'}`
      .slice(0, MESSAGE_CHARS_MAX)
      .toWellFormed(),
    data: { name: String(data.name), code: error?.code ?? 'internal' },
  }
}

function costUnknown({ execution }: Draft, data: AuditEntry['data'], taskId: TaskId | null): Raised {
  const { tenant, execution_id, model_used: model } = execution
  const microusd = Number(data.charged_microusd)
  return {
    name: 'cost-unknown',
    severity: 'warning',
    tenant,
    executionId: execution_id,
    cause: `${taskId}/${microusd}`,
    message: `a model server reported invalid usage for ${data.name}; the maximum cost of the calls is charged. Check the server's reports, and its bill`,
    data: { name: String(data.name), charged_microusd: microusd, ...(model === null ? {} : { model }) },
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
      `${user} requests "${request.task.slice(0, TASK_CHARS_SHOWN)}", which requires an approval of level ${data.level} to ${what}`
        .slice(0, MESSAGE_CHARS_MAX)
        .toWellFormed(),
    data: { approval_id: String(data.approval_id), level: Number(data.level), plan_hash: String(data.plan_hash) },
  }
}
