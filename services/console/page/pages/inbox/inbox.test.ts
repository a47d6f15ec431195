import { ApprovalView, TYPED_CHARS, TYPED_FROM_LEVEL } from '@deed/proto/approval'
import { PersonTask } from '@deed/proto/person'
import { expect, it } from 'vitest'
import { grantOf } from '../../components/grant-input.ts'
import * as items from './items.ts'
import { argumentsOf, boundsOf, planDifference, readingOf, type Step } from './plan-text.ts'

const { batchOf, itemsOf, neighbours } = items
const NOW = Date.UTC(2026, 0, 2)
const uuid = (end: number): string => `0194a000-7000-7abc-8def-${String(end).padStart(12, '0')}`

const step = (more: object = {}): Step =>
  ApprovalView.shape.actions.element.parse({
    task_id: uuid(900),
    title: 'restart',
    summary: 'restart demo-api',
    level: 1,
    why: 'changes a service',
    action: { kind: 'service.restart', kind_version: 1, input: { target: 'demo-api' }, timeout_ms: 60_000 },
    ...more,
  })

const approval = (end: number, more: object = {}): items.Approval =>
  ApprovalView.parse({
    approval_id: uuid(end),
    execution_id: uuid(500),
    task: 'restart demo-api',
    level: 1,
    status: 'pending',
    requested_by: 'user',
    decided_by: null,
    reason: null,
    plan_hash: 'ab12cd34'.repeat(8),
    policy_version: '1',
    asked_at: '2026-01-01T00:00:00.000Z',
    decided_at: null,
    expires_at: '2026-01-03T00:00:00.000Z',
    actions: [step()],
    ...more,
  })

const question = (end: number): items.PersonTask =>
  PersonTask.parse({
    approval_id: uuid(end),
    execution_id: uuid(500),
    kind: 'choose',
    task: 'restart the service',
    name: 'choose',
    title: 'which?',
    details: null,
    status: 'pending',
    decisions: ['choose', 'deny'],
    requested_by: 'user',
    asked_at: '2025-12-31T00:00:00.000Z',
    expires_at: null,
    cause: null,
    about: null,
    question: { text: 'Which service?', options: [] },
    evidence: null,
    result: null,
  })

it('the highest level comes first, and of one level the oldest', () => {
  const later = { asked_at: '2026-01-01T12:00:00.000Z' }
  const found = itemsOf({
    approvals: [approval(3, later), approval(2), approval(1, { ...later, level: 3 })],
    tasks: [question(4)],
  })
  expect(found.map(({ id }) => id)).toEqual([1, 2, 3, 4].map(uuid))
})

it('an approval of several steps says how many there are, also those that did not come along', () => {
  const [item] = itemsOf({
    approvals: [approval(1, { omitted: { actions: 8, steps: 8 }, actions: [step(), step()] })],
    tasks: [],
  })
  expect(item?.title).toBe('restart demo-api, and 9 more')
})

it('a question is shown by its text', () => {
  expect(itemsOf({ approvals: [], tasks: [question(1)] })[0]?.title).toBe('Which service?')
})

it('a batch names what it cannot decide, and why', () => {
  const approvals = [approval(1), approval(2, { level: 2 }), approval(3, { expires_at: '2026-01-01T00:00:00.000Z' })]
  const { can, cannot } = batchOf(itemsOf({ approvals, tasks: [question(4)] }), NOW)
  expect(can).toEqual([{ id: uuid(1), title: 'restart demo-api', planHash: 'ab12cd34'.repeat(8) }])
  expect(cannot.map(({ id, why }) => [id, why])).toEqual([
    [uuid(2), 'level 2 is decided by itself: its hash is typed'],
    [uuid(3), 'it has expired'],
    [uuid(4), 'a question is answered by itself'],
  ])
})

it('what is typed, and from which level on, is what the mesh checks', () => {
  expect([items.TYPED_CHARS, items.TYPED_FROM_LEVEL]).toEqual([TYPED_CHARS, TYPED_FROM_LEVEL])
})

it('next in the inbox is the neighbour, and the first one where this one is decided', () => {
  const found = itemsOf({ approvals: [approval(1), approval(2)], tasks: [] })
  expect(neighbours(found, uuid(1))).toEqual({ before: undefined, after: uuid(2) })
  expect(neighbours(found, uuid(9)).after).toBe(uuid(1))
})

it('arguments are shown whole, without what nobody said', () => {
  const action = {
    kind: 'file.write',
    kind_version: 1,
    input: { path: 'a', content: 'x\ny' },
    already_so: 'skip',
    expect_files: { a: 'absent' },
  }
  expect(argumentsOf(action)).toEqual([
    { name: 'kind', text: 'file.write' },
    { name: 'path', text: 'a' },
    { name: 'content', text: 'x\ny' },
    { name: 'file a', text: 'absent' },
  ])
})

it('two plans differ in steps, arguments and facts; equal ones in nothing', () => {
  const other = step({ level: 2, action: { kind: 'service.restart', input: { target: 'billing' } } })
  expect(planDifference([step()], [step()])).toEqual([])
  expect(planDifference([step()], [other]).map(({ name, before, after }) => [name, before, after])).toEqual([
    ['target', 'demo-api', 'billing'],
    ['level', '1', '2'],
  ])
  const added = step({ task_id: uuid(901), summary: 'stop billing' })
  expect(planDifference([step()], [step(), added])).toEqual([
    { step: 'stop billing', name: 'step', before: undefined, after: 'stop billing' },
  ])
  // A plan that is made again has other tasks.
  expect(planDifference([step()], [step({ task_id: uuid(902) })])).toEqual([])
})

it('a reading is shown beside the words that were asked for', () => {
  const action = { kind: 'x.y', input: {}, reading: { of: 'kick the api', text: 'restart demo-api', by: 'model' } }
  expect(readingOf(step({ action }))).toMatchObject({ of: 'kick the api', as: 'restart demo-api' })
  expect(readingOf(step())).toBeUndefined()
})

it('the bounds of a grant are proposed from the step, and typed spans become times', () => {
  expect(boundsOf(step())).toEqual({ kind: 'service.restart', target: 'demo-api' })
  expect(
    grantOf({ kind: 'service.restart', target: 'demo-api', until: '2h', level: '2', path: '', input: '{"a":1}' }, NOW),
  ).toEqual({
    kind: 'service.restart',
    target: 'demo-api',
    level: 2,
    expires_at: '2026-01-02T02:00:00.000Z',
    input: { a: 1 },
  })
  expect(() => grantOf({ kind: 'x', until: '1h', input: '[1]' }, NOW)).toThrow(/JSON object/)
})
