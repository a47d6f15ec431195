import { expect, it } from 'vitest'
import { rowsOf, START, TASK } from '../../app/test-audit-rows.ts'
import { attemptsOf } from './attempts.ts'
import { placeOf, timeAt, timeAxis } from './time-axis.ts'

const ERROR = { code: 'effect_failed', message: 'no such file', retryable: false } as const

it('each attempt has its beginning, its end, and why it was tried again', () => {
  const rows = rowsOf(
    [0, 'execution.accepted'],
    [1, 'task.leased', TASK, { token: 1 }],
    [3, 'task.retried', TASK, { error: ERROR, failures: 1 }],
    [4, 'task.leased', TASK, { token: 2 }],
    [5, 'task.done', TASK, { token: 2 }],
    [9, 'task.undoing', TASK, { token: 3 }],
  )
  expect(attemptsOf(rows)).toMatchObject([
    {
      token: 1,
      kind: 'do',
      from: START + 1_000,
      to: START + 3_000,
      outcome: 'retried',
      reason: 'effect_failed: no such file',
    },
    { token: 2, kind: 'do', outcome: 'done', reason: undefined },
    { token: 3, kind: 'undo', to: undefined, outcome: undefined },
  ])
})

it('an attempt that is planned again has ended, and nothing is under way after the end', () => {
  const rows = rowsOf(
    [1, 'task.leased', TASK, { token: 1 }],
    [2, 'task.replanned', TASK, { level: 1 }],
    [5, 'task.leased', TASK, { token: 2 }],
    [6, 'execution.ended', undefined, { status: 'cancelled' }],
  )
  expect(attemptsOf(rows)).toMatchObject([
    { to: START + 2_000, outcome: 'replanned' },
    { to: START + 6_000, outcome: 'ended' },
  ])
})

it('the wait for a person is beside the attempts, with the decision', () => {
  const rows = rowsOf(
    [0, 'approval.requested', TASK],
    [60, 'approval.decided', TASK, { decision: 'deny', reason: 'not today' }],
  )
  expect(attemptsOf(rows)).toMatchObject([{ kind: 'wait', outcome: 'deny', reason: 'not today', to: START + 60_000 }])
})

const DAY = 86_400_000

it('a wait of a day takes little of the axis, and the work beside it keeps its scale', () => {
  const axis = timeAxis(
    [
      { from: 0, to: 1_000 },
      { from: 500, to: 3_000 },
      { from: DAY, to: DAY + 1_000 },
    ],
    { from: 0, to: DAY + 1_000 },
  )
  expect(axis.map(({ idle }) => idle)).toEqual([false, true, false])
  expect(axis[1]?.width).toBeLessThan(0.05)
  expect((axis[0]?.width ?? 0) / (axis[2]?.width ?? 1)).toBeCloseTo(3)
  expect(axis.reduce((sum, { width }) => sum + width, 0)).toBeCloseTo(1)
})

it('a place on the axis is a time, and the other way round', () => {
  const axis = timeAxis(
    [
      { from: 0, to: 2_000 },
      { from: DAY, to: DAY + 2_000 },
    ],
    { from: 0, to: DAY + 2_000 },
  )
  for (const time of [0, 1_500, DAY + 700, DAY + 2_000]) expect(timeAt(axis, placeOf(axis, time))).toBeCloseTo(time, -1)
  expect(placeOf(axis, -5)).toBe(0)
})

it('many waits leave more than half of the axis to the work', () => {
  const busy = Array.from({ length: 50 }, (_, index) => ({ from: index * DAY, to: index * DAY + 1_000 }))
  const axis = timeAxis(busy, { from: 0, to: 49 * DAY + 1_000 })
  const idle = axis.filter((segment) => segment.idle)
  expect(idle).toHaveLength(49)
  expect(idle.reduce((sum, { width }) => sum + width, 0)).toBeLessThanOrEqual(0.4 + 1e-9)
})

it('nothing but waiting is an axis all the same', () => {
  const axis = timeAxis([], { from: 0, to: DAY })
  expect(axis).toMatchObject([{ idle: true, x: 0, width: 1 }])
})
