// What counts as a false success: done, with a task that is not.
import { expect, it } from 'vitest'
import type { Snapshot, TaskRow } from './snapshot.ts'
import { truthOf } from './truth-of.ts'

const VERIFIED = { kind: 'file', outcome: 'verified' }
const NAMES = { isFalse: ['deed_false_success_total'], fine: [] }

const snapshot = (execution: object, ...tasks: object[]): Snapshot =>
  ({
    execution: { status: 'done', task_verified: true, ...execution },
    tasks: new Map(
      tasks.map((task, index) => [
        String(index),
        {
          task_kind: 'act',
          desired_status: 'done',
          actual_status: 'done',
          effect: 'made',
          verification: VERIFIED,
          ...task,
        } as TaskRow,
      ]),
    ),
  }) as unknown as Snapshot

it.each([
  ['a task with evidence', {}, NAMES.fine],
  ['a task that a person skipped', { actual_status: 'skipped', verification: null }, NAMES.fine],
  ['a task that was not wanted', { desired_status: 'cancelled', actual_status: 'cancelled' }, NAMES.fine],
  ['an answer that may be read only once', { effect: 'none', verification: { kind: 'unconfirmed' } }, NAMES.fine],
  ['an effect without confirmation', { verification: { kind: 'unconfirmed' } }, NAMES.isFalse],
  ['a task without evidence', { verification: null }, NAMES.isFalse],
  ['a task whose evidence says otherwise', { verification: { kind: 'file', outcome: 'failed' } }, NAMES.isFalse],
  ['a task that runs', { actual_status: 'in_progress' }, NAMES.isFalse],
  ['a task that failed', { actual_status: 'failed' }, NAMES.isFalse],
])('a success with %s', (_, task, names) => {
  expect(truthOf(snapshot({}, task)).map(({ name }) => name)).toEqual(names)
  // What claims no success is none that is false.
  expect(truthOf(snapshot({ status: 'failed' }, task))).toEqual([])
})

it('a success that was not verified against its words, and a rollback', () => {
  expect(truthOf(snapshot({ task_verified: false }, {}))).toEqual([{ name: 'deed_unverified_done_total', labels: {} }])
  expect(truthOf(snapshot({ status: 'rollback_failed' }))).toEqual([
    { name: 'deed_rollbacks_total', labels: { outcome: 'rollback_failed' } },
  ])
})
