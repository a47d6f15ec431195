import { TaskView } from '@deed/proto/task'
import { expect, it } from 'vitest'
import { statusAfter, tasksAfter, taskToOpen } from './task-changes.ts'
import { at, EXECUTION, rowsOf, TASK } from './test-audit-rows.ts'

const OTHER = '0194a000-7000-7abc-8def-000000000002'
const taskOf = (id: string, changes: Partial<TaskView> = {}): TaskView => ({
  ...TaskView.parse({
    ...{ task_id: id, execution_id: EXECUTION, name: 'one', title: 'one', task_kind: 'act', desired_status: 'done' },
    ...{ actual_status: 'pending', dependencies: [], agent: null, failures: 0, error: null, level: 0, action: null },
    ...{ evidence: null, result: null, started_at: null, finished_at: null },
  }),
  ...changes,
})

const ERROR = { code: 'effect_failed', message: 'no such file', retryable: false } as const

it('a row changes its task before the task is read again', () => {
  const tasks = [taskOf(TASK), taskOf(OTHER)]
  const rows = rowsOf(
    [1, 'task.leased', TASK, { token: 1 }],
    [2, 'task.failed', TASK, { token: 1, error: ERROR }],
    [2, 'task.leased', OTHER, { token: 1 }],
  )
  const [one, other] = tasksAfter(tasks, rows)
  expect(one).toMatchObject({ actual_status: 'failed', error: ERROR, started_at: at(1), finished_at: at(2) })
  expect(other).toMatchObject({ actual_status: 'in_progress', started_at: at(2) })
})

it('rows that concern no task change nothing', () => {
  const tasks = [taskOf(TASK)]
  expect(tasksAfter(tasks, rowsOf([1, 'execution.waiting'], [2, 'approval.requested', TASK]))).toBe(tasks)
})

it('the status follows the rows to the end', () => {
  expect(statusAfter('planning', rowsOf([1, 'execution.planned'], [2, 'execution.pause_requested']))).toBe('paused')
  expect(statusAfter('running', rowsOf([1, 'execution.ended', undefined, { status: 'failed' }]))).toBe('failed')
  expect(statusAfter('done', [])).toBe('done')
})

it('it opens at what failed first, else at what runs, else at the beginning', () => {
  const done = taskOf(TASK, { actual_status: 'done' })
  const late = taskOf(OTHER, { actual_status: 'failed', finished_at: at(9) })
  const early = taskOf(EXECUTION, { actual_status: 'failed', finished_at: at(3) })
  expect(taskToOpen([done, late, early])).toBe(early)
  expect(taskToOpen([done, taskOf(OTHER, { actual_status: 'in_progress' })])?.task_id).toBe(OTHER)
  const undone = taskOf(OTHER, { actual_status: 'undone', error: ERROR })
  expect(taskToOpen([done, undone])).toBe(undone)
  expect(taskToOpen([done])).toBe(done)
  expect(taskToOpen([])).toBeUndefined()
})
