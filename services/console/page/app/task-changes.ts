/** What the rows of the audit log say has changed since the tasks were read: the page is right before it reads again. */
import type { AuditRow, ExecutionDetail } from '@deed/proto/execution'
import type { ExecutionStatus } from '@deed/proto/states'
import type { TaskView } from '@deed/proto/task'

/** A row, or the event about it. */
type Change = Pick<AuditRow, 'type' | 'at'> & Partial<AuditRow>

/** @param rows after those that `tasks` include, oldest first @returns the same array if nothing has changed */
export function tasksAfter(tasks: readonly TaskView[], rows: readonly Change[]): readonly TaskView[] {
  const changes = new Map<string, Partial<TaskView>>()
  for (const row of rows) {
    const change = changeOf(row)
    if (row.task_id && change) changes.set(row.task_id, { ...changes.get(row.task_id), ...change })
  }
  if (changes.size === 0) return tasks
  return tasks.map((task) => {
    const change = changes.get(task.task_id)
    return change ? { ...task, ...change } : task
  })
}

function changeOf({ type, at, data = {} }: Change): Partial<TaskView> | undefined {
  const found = data as Partial<Pick<TaskView, 'evidence' | 'error' | 'failures'>>
  const error = found.error ? { error: found.error } : {}
  const evidence = found.evidence ? { evidence: found.evidence } : {}
  switch (type) {
    case 'task.leased':
      return { actual_status: 'in_progress', started_at: at, finished_at: null }
    case 'task.undoing':
      return { actual_status: 'in_progress', desired_status: 'undone' }
    case 'task.done':
      return { actual_status: 'done', finished_at: at, error: null, ...evidence }
    case 'task.failed':
      return { actual_status: 'failed', finished_at: at, ...error, ...evidence }
    case 'task.blocked':
      return { actual_status: 'blocked', ...error }
    case 'task.retried':
      return {
        actual_status: 'pending',
        ...error,
        ...(typeof found.failures === 'number' ? { failures: found.failures } : {}),
      }
    case 'task.replanned':
      return { actual_status: 'pending' }
    case 'task.cancelled':
      return { actual_status: 'cancelled', finished_at: at }
    case 'task.skipped':
      return { actual_status: 'skipped', finished_at: at }
    case 'task.undone':
      return { actual_status: 'undone', ...(found.evidence ? { undo_evidence: found.evidence } : {}) }
    default:
      return undefined
  }
}

/** The status of the execution after the rows. */
export function statusAfter(status: ExecutionDetail['status'], rows: readonly AuditRow[]): ExecutionDetail['status'] {
  return rows.reduce((before, row) => statusOf(row) ?? before, status)
}

function statusOf({ type, data }: AuditRow): ExecutionStatus | undefined {
  switch (type) {
    case 'execution.waiting':
      return 'waiting'
    case 'execution.planned':
    case 'execution.running':
    case 'execution.resume_requested':
    case 'execution.retry_requested':
      return 'running'
    case 'execution.pause_requested':
      return 'paused'
    case 'execution.undoing':
    case 'execution.rollback_requested':
      return 'undoing'
    case 'execution.ended':
      return data.status as ExecutionStatus
    default:
      return undefined
  }
}

/** What the page opens at: what failed first, also if it was undone since; then what runs, then what waits. */
export function taskToOpen(tasks: readonly TaskView[]): TaskView | undefined {
  const failed = (task: TaskView): boolean =>
    ['failed', 'blocked'].includes(task.actual_status) ||
    (task.actual_status !== 'done' && (task.error !== null || task.evidence?.outcome === 'failed'))
  const first = tasks
    .filter(failed)
    .reduce<TaskView | undefined>((one, other) => (one && timeOf(one) <= timeOf(other) ? one : other), undefined)
  const at = (status: TaskView['actual_status']): TaskView | undefined =>
    tasks.find(({ actual_status }) => actual_status === status)
  return first ?? at('in_progress') ?? at('pending') ?? tasks[0]
}

const timeOf = ({ finished_at: at }: TaskView): string => at ?? ''
