/** A person said what the words of a task mean. With the last answer comes the plan. */
import { DeedError } from '@deed/proto/errors'
import { defined, type JsonObject } from '@deed/proto/json'
import { addTasks, type Draft, record, setActual } from '../execution/draft.ts'
import { isoTime } from '../execution/iso-time.ts'
import { expiryOf } from '../execution/person-task.ts'
import { signed } from '../execution/signed.ts'
import type { Snapshot, TaskRow } from '../execution/snapshot.ts'
import { end } from './ending.ts'
import type { Answered } from './input.ts'
import { addPlan } from './planned.ts'
import { openTask } from './resolved.ts'

/**
 * The open question.
 *
 * @throws {DeedError} if it is no question, or is answered, has expired, or is not open yet
 */
export function openChoice(snapshot: Pick<Snapshot, 'tasks'>, taskId: Answered['taskId'], now: number): TaskRow {
  const task = openTask(snapshot, taskId)
  if (task.task_kind !== 'choose') {
    throw new DeedError('invalid_request', `choose is for questions about words; "${task.title}" is none`, {
      path: '$.decision',
    })
  }
  if ((expiryOf(task) ?? now + 1) <= now) {
    throw new DeedError('approval_expired', 'the question has expired; submit the task again')
  }
  return task
}

/** Whether other questions of the execution are open: nothing is planned before all are answered. */
export const isLastQuestion = ({ tasks }: Pick<Snapshot, 'tasks'>, { task_id: id }: TaskRow): boolean =>
  ![...tasks.values()].some(
    (task) => task.task_kind === 'choose' && task.task_id !== id && task.actual_status === 'pending',
  )

/** @throws {DeedError} as `openChoice`; `unavailable` if another question was answered meanwhile */
export function chosen(draft: Draft, { taskId, by, reason, chosen, reading, next, refused, plan }: Answered): void {
  const task = openChoice(draft, taskId, draft.now)
  const last = next === undefined && refused === undefined && isLastQuestion(draft, task)
  if (last !== (plan !== undefined)) {
    throw new DeedError('unavailable', 'another question of the execution was answered meanwhile; try again')
  }
  const { option, words } = chosen
  const answer = defined({ option, words })
  record(draft, 'person.decided', { name: task.name, decision: 'choose', by, reason, reading, ...answer }, taskId)
  const evidence = signed({
    claimed: `a person was asked: ${task.title}`,
    observed: `${by} ${option === undefined ? 'said' : 'chose'}: ${reading}`,
    at: draft.now,
    facts: defined({ by, reading, ...answer, reason: reason ?? undefined }),
  })
  setActual(draft, task, {
    actual_status: 'done',
    finished_at: isoTime(draft.now),
    verification: evidence,
    result: { text: `${chosen.solution ? 'understood as' : 'in other words'}: ${reading}`, data: chosen as JsonObject },
    progress_at: isoTime(draft.now),
  })
  record(draft, 'task.done', { name: task.name, token: task.token, evidence }, taskId)
  if (refused) return end(draft, 'failed', refused)
  if (next) addTasks(draft, [{ ...next }])
  if (plan) addPlan(draft, plan)
}
