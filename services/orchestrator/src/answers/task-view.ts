/** A task as it is shown: desired and actual state. */
import { Action } from '@deed/proto/action'
import type { TaskView } from '@deed/proto/task'
import type { TaskRow } from '../execution/snapshot.ts'
import { shortenedTo } from './within-message.ts'

/** The size limit for one action's input. */
const INPUT_BYTES_MAX = 100_000

export function viewOf(task: TaskRow): TaskView {
  return {
    task_id: task.task_id,
    execution_id: task.execution_id,
    name: task.name,
    title: task.title,
    task_kind: task.task_kind,
    desired_status: task.desired_status,
    actual_status: task.actual_status,
    dependencies: task.dependencies,
    agent: task.assigned_agent,
    failures: task.failure_count,
    error: task.last_error,
    level: task.level,
    action: task.task_kind === 'act' ? shownAction(task) : null,
    evidence: task.verification,
    undo_evidence: task.undo_verification,
    result: task.result,
    started_at: isoOf(task.started_at),
    finished_at: isoOf(task.finished_at),
  }
}

function shownAction({ spec }: TaskRow): Action {
  const action = Action.parse(spec)
  return { ...action, input: shortenedTo(INPUT_BYTES_MAX, action.input) }
}

/** PostgreSQL's JSON has microseconds and an offset; the contracts have milliseconds and Z. */
const isoOf = (text: string | null): string | null => (text === null ? null : new Date(text).toISOString())
