import { TASK_STATUSES } from '@deed/proto/states'
import { TaskView } from '@deed/proto/task'
import { expect, it } from 'vitest'
import type { ExecutionEvent } from '../../app/live.ts'
import { readTaskFilter, STATUSES } from './filter.ts'
import { type TaskRows, withEvents, withHead, withPage } from './task-rows.ts'

const EXECUTION = '0194a000-7000-7abc-8def-000000000000'
const idOf = (number: number): string => `0194a000-7000-7abc-8def-${String(number).padStart(12, '0')}`

const taskOf = (number: number, changes: Partial<TaskView> = {}): TaskView => ({
  ...TaskView.parse({
    ...{ task_id: idOf(number), execution_id: EXECUTION, name: 'one', title: 'one', task_kind: 'act' },
    ...{ desired_status: 'done', actual_status: 'pending', dependencies: [], agent: null, failures: 0, error: null },
    ...{ level: 0, action: null, evidence: null, result: null, started_at: null, finished_at: null },
  }),
  ...changes,
})

const pageOf = (numbers: number[], next: number | null) => ({
  tasks: numbers.map((number) => taskOf(number)),
  next_cursor: next === null ? null : idOf(next),
})
const numbersOf = ({ rows }: TaskRows): number[] => rows.map(({ task_id: id }) => Number(id.slice(-12)))
const EMPTY: TaskRows = { rows: [], cursor: null }

it('the newest page is read again, and older pages stay where they meet it', () => {
  const first = withPage(withHead(EMPTY, pageOf([9, 8, 7], 7)), pageOf([6, 5], 5))
  const again = withHead(first, pageOf([10, 9, 8], 8))
  expect(numbersOf(again)).toEqual([10, 9, 8, 7, 6, 5])
  expect(again.cursor).toBe(idOf(5))
})

it('where so much is new that the pages do not meet, older ones are read again from there', () => {
  const first = withPage(withHead(EMPTY, pageOf([9, 8, 7], 7)), pageOf([6, 5], null))
  const again = withHead(first, pageOf([30, 29, 28], 28))
  expect(numbersOf(again)).toEqual([30, 29, 28])
  expect(again.cursor).toBe(idOf(28))
})

it('the last page of all ends the list', () => {
  expect(withHead(withHead(EMPTY, pageOf([9, 8], 8)), pageOf([9], null))).toMatchObject({ cursor: null })
})

it('an event changes its task at once, and takes it off the list where the filter does not want it', () => {
  const rows = withHead(EMPTY, pageOf([2, 1], null))
  const row = {
    ...{ execution_id: EXECUTION, type: 'task.done', status: 'running', at: '2026-01-01T00:00:00.000Z' },
    task_id: idOf(2),
  } as unknown as ExecutionEvent
  expect(withEvents(rows, [row], () => true).rows[0]).toMatchObject({ actual_status: 'done' })
  expect(numbersOf(withEvents(rows, [row], readTaskFilter({ status: 'open' }).wanted))).toEqual([1])
})

it('the filter asks the server for what it shows, and names what it does not know', () => {
  expect(readTaskFilter({ status: 'open' }).input).toEqual({ open: true })
  expect(readTaskFilter({ status: 'failed', execution: EXECUTION }).input).toEqual({
    status: 'failed',
    execution_id: EXECUTION,
  })
  expect(readTaskFilter({ status: 'broken', colour: 'red' }).faults).toEqual(['status=broken', 'colour'])
})

it('every status can be chosen', () => {
  expect([...STATUSES].sort()).toEqual([...TASK_STATUSES].sort())
})
