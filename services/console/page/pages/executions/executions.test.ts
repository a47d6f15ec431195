import { COUNTED as PROTO_COUNTED } from '@deed/proto/execution'
import { EXECUTION_STATUSES, METHODS } from '@deed/proto/states'
import { expect, it } from 'vitest'
import type { ExecutionEvent } from '../../app/live.ts'
import { previewOf } from './bulk.ts'
import { type ExecutionRows, type Page, type Row, withEvents, withHead, withPage } from './execution-rows.ts'
import { COUNTED, readFilter, STATUSES } from './filter.ts'

const row = (number: number, status: Row['status'] = 'running'): Row =>
  ({ execution_id: `id-${String(number).padStart(4, '0')}`, status }) as unknown as Row
const page = (numbers: number[], more: boolean): Page => ({
  executions: numbers.map((number) => row(number)),
  next_cursor: more ? row(numbers.at(-1) ?? 0).execution_id : null,
})
const numbers = ({ rows }: ExecutionRows): number[] => rows.map(({ execution_id: id }) => Number(id.slice(3)))
const NONE: ExecutionRows = { rows: [], cursor: null }

it('pages follow each other, and each row is there once', () => {
  const first = withHead(NONE, page([9, 8, 7], true))
  const second = withPage(first, page([7, 6, 5], false))
  expect(numbers(second)).toEqual([9, 8, 7, 6, 5])
  expect(second.cursor).toBeNull()
})

it('the newest page that is read again brings new rows, and keeps the older ones and their cursor', () => {
  const before = withPage(withHead(NONE, page([5, 4, 3], true)), page([2, 1], true))
  const after = withHead(before, page([7, 6, 5], true))
  expect(numbers(after)).toEqual([7, 6, 5, 4, 3, 2, 1])
  expect(after.cursor).toBe(before.cursor)
})

it('a row that is gone from the newest page is gone from the list', () => {
  const before = withPage(withHead(NONE, page([5, 4, 3], true)), page([2, 1], false))
  expect(numbers(withHead(before, page([5, 3, 2], true)))).toEqual([5, 3, 2, 1])
  expect(numbers(withHead(before, page([5], false)))).toEqual([5])
})

it('a newest page without a match says nothing about older rows', () => {
  const before = withHead(NONE, page([5, 4], true))
  expect(withHead(before, { executions: [], next_cursor: row(3).execution_id })).toBe(before)
})

it('where more is new than one page has, the list begins again, and leaves no row out', () => {
  const before = withPage(withHead(NONE, page([5, 4], true)), page([3, 2], true))
  const after = withHead(before, page([12, 11, 10], true))
  expect(numbers(after)).toEqual([12, 11, 10])
  expect(after.cursor).toBe(row(10).execution_id)
})

it('an event changes the status of its row alone', () => {
  const before = withHead(NONE, page([2, 1], false))
  const event = { execution_id: row(1).execution_id, status: 'done' } as ExecutionEvent
  const after = withEvents(before, [event], true)
  expect(after.rows.map(({ status }) => status)).toEqual(['running', 'done'])
  expect(withEvents(after, [event], true)).toBe(after)
})

it('an execution that begins is in the list by its event, at its place, unless a filter may leave it out', () => {
  const idAt = (second: number): string =>
    `${(1_767_225_600_000 + second * 1_000)
      .toString(16)
      .padStart(12, '0')
      .replace(/(.{8})/, '$1-')}-7000-8000-000000000000`
  const of = (second: number, more: object = {}) =>
    ({ execution_id: idAt(second), status: 'running', task: 'write', user: 'ann', ...more }) as ExecutionEvent
  const rows = [3, 1].map((second) => ({ ...row(0), execution_id: idAt(second) }) as Row)
  const before: ExecutionRows = { rows, cursor: rows[1]?.execution_id ?? null }
  const newest = withEvents(before, [of(4)], true)
  expect(newest.rows.map(({ execution_id: id }) => id)).toEqual([4, 3, 1].map(idAt))
  expect(newest.rows[0]).toMatchObject({
    task: 'write',
    user: 'ann',
    created_at: '2026-01-01T00:00:04.000Z',
    finished_at: null,
  })
  expect(withEvents(newest, [of(2)], true).rows.map(({ execution_id: id }) => id)).toEqual([4, 3, 2, 1].map(idAt))
  // It belongs to a page that is not here.
  expect(withEvents(before, [of(0)], true)).toBe(before)
  expect(withEvents({ ...before, cursor: null }, [of(0)], true).rows).toHaveLength(3)
  expect(withEvents(before, [of(4)], false)).toBe(before)
  expect(withEvents(before, [of(4, { user: undefined })], true)).toBe(before)
})

it('the preview of a verb says to which executions it applies, and why not to others', () => {
  const results = [
    { execution_id: 'a', status: 'running' },
    { execution_id: 'b', status: 'done' },
    { execution_id: 'c', error: { code: 'not_found', message: 'no such execution', retryable: false } },
  ] as unknown as Parameters<typeof previewOf>[1]
  expect(previewOf('cancel', results)).toEqual({
    can: [{ id: 'a', note: undefined }],
    cannot: [
      { id: 'b', why: 'it is done' },
      { id: 'c', why: 'no such execution' },
    ],
  })
  const level = [{ execution_id: 'a', status: 'done', level: 2 }] as unknown as typeof results
  expect(previewOf('rollback', level).can).toEqual([{ id: 'a', note: 'needs an approval of level 2' }])
})

it('a filter of the address becomes that of the request, with exact times', () => {
  const { at, faults } = readFilter({ status: 'failed', only: 'false_success', since: '1h', user: 'ann', x: '1' })
  expect(at(Date.UTC(2026, 0, 1, 1))).toEqual({
    status: 'failed',
    only: 'false_success',
    since: '2026-01-01T00:00:00.000Z',
    user: 'ann',
  })
  expect(faults).toEqual(['x'])
})

it('every status, and everything that the statistics count, can be filtered by', () => {
  expect([...STATUSES]).toEqual([...EXECUTION_STATUSES])
  expect(Object.keys(COUNTED)).toEqual([...PROTO_COUNTED])
  for (const method of METHODS) expect(readFilter({ method }).faults).toEqual([])
})
