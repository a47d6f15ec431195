// What a person agreed to with a goal is one step, at one level, with one meaning: not whatever the goal does.
import { Action } from '@deed/proto/action'
import type { ApprovalId } from '@deed/proto/ids'
import type { JsonObject } from '@deed/proto/json'
import { expect, it } from 'vitest'
import { newExecution } from '../execution/new-execution.ts'
import { newTask } from '../execution/new-task.ts'
import type { ApprovalRow, TaskRow } from '../execution/snapshot.ts'
import { agreedBy, goalApprovalOf } from './goal-approval.ts'

const NOW = Date.parse('2026-11-21T09:00:00Z')
const request = { task: 'keep it', mode: 'background', priority: 'normal', dry_run: false } as const
const execution = newExecution({ request, principal: { tenant: 'local', user: 'ada' }, trace: '' }, NOW)

/** An approval and the steps that it is for. */
function asked(
  id: string,
  given: Partial<ApprovalRow>,
  ...steps: readonly { path: string; level: number; root?: string }[]
): { approval: ApprovalRow; tasks: TaskRow[] } {
  const approval: ApprovalRow = {
    ...{ tenant: 'local', approval_id: id as ApprovalId, execution_id: execution.execution_id, level: 2 },
    ...{ task_id: execution.execution_id as never, status: 'pending', plan_hash: '', policy_version: '1', sealed: {} },
    ...{ actions: [], plan_number: 0, grant_id: null, requested_by: 'ada', decided_by: null, reason: null },
    ...{ created_at: '', asked_at: null, decided_at: null, consumed_at: null, expires_at: '' },
    ...given,
  }
  const tasks = steps.map(({ path, level, root = '/srv' }) =>
    newTask(execution, {
      ...{ position: 0, name: path, title: path, task_kind: 'act', capability: 'act', priority: 5, level, now: NOW },
      approval_id: approval.approval_id,
      spec: Action.parse({
        ...{ kind: 'file.write', input: { path, content: '' }, expect_resolved: { workspace: root } },
      }) as JsonObject,
    }),
  )
  return { approval, tasks }
}

/** The goal as its first execution has left it. */
const goalOf = (...first: readonly ReturnType<typeof asked>[]) => ({
  name: 'site',
  agreed: goalApprovalOf({
    approvals: new Map(first.map(({ approval }) => [approval.approval_id, approval])),
    tasks: new Map(first.flatMap(({ tasks }) => tasks.map((task) => [task.task_id, task]))),
  }),
})

const used = { status: 'used', decided_by: 'bob' } as const
const whoAgreed = (goal: ReturnType<typeof goalOf>, { approval, tasks }: ReturnType<typeof asked>) =>
  agreedBy(goal, approval, tasks)

it('covers the step that it was given for, and no other of the goal', () => {
  const goal = goalOf(
    asked('a', used, { path: 'a', level: 2 }),
    asked('b', { status: 'approved', decided_by: 'bob' }, { path: 'b', level: 2 }),
  )
  expect(whoAgreed(goal, asked('c', {}, { path: 'a', level: 2 }))).toBe('bob')
  expect(whoAgreed(goal, asked('c', {}, { path: 'b', level: 2 }))).toBeUndefined()
  expect(whoAgreed(goal, asked('c', {}, { path: 'a', level: 2 }, { path: 'b', level: 2 }))).toBeUndefined()
})

it('does not come from a decision of level 3, nor from a grant', () => {
  const goal = goalOf(
    asked('a', used, { path: 'a', level: 2 }),
    asked('b', { ...used, level: 3 }, { path: 'b', level: 3 }),
    asked('c', { ...used, grant_id: 'a grant' as never }, { path: 'c', level: 2 }),
  )
  expect(whoAgreed(goal, asked('d', {}, { path: 'b', level: 2 }))).toBeUndefined()
  expect(whoAgreed(goal, asked('d', {}, { path: 'c', level: 2 }))).toBeUndefined()
  expect(goalOf(asked('b', { ...used, level: 3 }, { path: 'b', level: 3 })).agreed).toBeNull()
})

it('holds up to the level that the step was shown with, under the same policy, while its names mean the same', () => {
  const goal = goalOf(asked('a', used, { path: 'a', level: 1 }))
  expect(whoAgreed(goal, asked('b', {}, { path: 'a', level: 1 }))).toBe('bob')
  expect(whoAgreed(goal, asked('b', {}, { path: 'a', level: 2 }))).toBeUndefined()
  expect(whoAgreed(goal, asked('b', { policy_version: '2' }, { path: 'a', level: 1 }))).toBeUndefined()
  expect(whoAgreed(goal, asked('b', {}, { path: 'a', level: 1, root: '/elsewhere' }))).toBeUndefined()
})

it('is given in the name of the one person who agreed to all of it', () => {
  const goal = goalOf(
    asked('a', used, { path: 'a', level: 2 }),
    asked('b', { ...used, decided_by: 'carol' }, { path: 'b', level: 2 }),
  )
  expect(whoAgreed(goal, asked('c', {}, { path: 'b', level: 2 }))).toBe('carol')
  expect(whoAgreed(goal, asked('c', {}, { path: 'a', level: 2 }, { path: 'b', level: 2 }))).toBeUndefined()
})
