// When somebody is asked, and what becomes of an agreement that was given ahead.
import type { ApprovalId, ExecutionId, GrantId, TaskId } from '@deed/proto/ids'
import { describe, expect, it } from 'vitest'
import { type Draft, draftOf } from '../execution/draft.ts'
import { isoTime } from '../execution/iso-time.ts'
import { newExecution } from '../execution/new-execution.ts'
import { newTask } from '../execution/new-task.ts'
import type { ApprovalRow, Snapshot, TaskRow } from '../execution/snapshot.ts'
import type { Input, Limits, Resealed } from './input.ts'
import { reconcile } from './reconcile.ts'

const START = Date.parse('2026-01-01T00:00:00Z')
const TIME_MS = 60_000
const id = (number: number): string => `01890000-0000-7000-8000-${String(number).padStart(12, '0')}`
const GRANT = id(90) as GrantId

const limits: Limits = {
  leaseMs: 10_000,
  autoRollback: true,
  policyVersion: '1',
  takeSlot: () => true,
  keysFree: () => true,
  mayAsk: () => true,
  propose: () => undefined,
  mayBegin: () => true,
  began: () => undefined,
  random: () => 0.5,
}

const execution = () => ({
  ...newExecution(
    {
      request: { task: 'it', mode: 'auto', priority: 'normal', dry_run: false },
      principal: { tenant: 'local', user: 'user' },
      trace: '',
    },
    START,
  ),
  execution_id: id(1) as ExecutionId,
  status: 'running' as const,
})

const task = (number: number, facts: Partial<TaskRow>): TaskRow =>
  newTask(execution(), {
    task_id: id(number) as TaskId,
    position: number,
    name: `task-${number}`,
    title: `task ${number}`,
    task_kind: 'act',
    capability: 'act',
    priority: 5,
    now: START,
    ...facts,
  })

const approval = (facts: Partial<ApprovalRow>): ApprovalRow => ({
  tenant: 'local',
  approval_id: id(50) as ApprovalId,
  execution_id: id(1) as ExecutionId,
  task_id: id(3) as TaskId,
  level: 1,
  status: 'pending',
  plan_hash: 'hash',
  policy_version: '1',
  sealed: {},
  actions: [],
  plan_number: 1,
  grant_id: null,
  requested_by: 'user',
  decided_by: null,
  reason: null,
  created_at: isoTime(START),
  asked_at: null,
  decided_at: null,
  consumed_at: null,
  expires_at: isoTime(START + TIME_MS),
  ...facts,
})

/** Two actions; the second waits for the first, and for an agreement that waits for the first, too. */
function stepByStep(facts: Partial<ApprovalRow> = {}): Snapshot {
  const tasks = [
    task(2, {}),
    task(3, { task_kind: 'approve', capability: 'human', dependencies: [id(2) as TaskId] }),
    task(4, { level: 3, approval_id: id(50) as ApprovalId, dependencies: [id(2) as TaskId, id(3) as TaskId] }),
  ]
  return snapshotOf(tasks, approval({ level: 3, ...facts }))
}

const snapshotOf = (tasks: TaskRow[], one: ApprovalRow): Snapshot => ({
  execution: execution(),
  tasks: new Map(tasks.map((row) => [row.task_id, row])),
  approvals: new Map([[one.approval_id, one]]),
  parts: [],
  plans: 1,
})

function apply(snapshot: Snapshot, input: Input, now = START, given: Partial<Limits> = {}): Draft {
  const draft = draftOf(snapshot, now)
  reconcile(draft, input, { ...limits, ...given })
  return draft
}

const done = (snapshot: Snapshot, number: number): void => {
  // The row is changed behind the core's back.
  delete snapshot.progress
  Object.assign(snapshot.tasks.get(id(number) as TaskId) as TaskRow, { actual_status: 'done' })
}
const approvalIn = (snapshot: Snapshot): ApprovalRow => snapshot.approvals.get(id(50) as ApprovalId) as ApprovalRow
const types = ({ audit }: Draft): string[] => audit.map(({ type }) => type)
const reinspection = (shown: ApprovalRow | undefined, sealed: Omit<Resealed, 'spec'>): Input => ({
  type: 'reinspected',
  approvalId: id(50) as ApprovalId,
  resealed: {
    taskId: id(4) as TaskId,
    task: { spec: {}, ...sealed },
    work: {
      tasks: [],
      approvals: shown === undefined ? [] : [shown],
      plan: { number: 0, plan: { parts: [] }, plan_hash: 'hash', policy_version: '1' },
    },
  },
})
const decide: Input = { type: 'decided', approvalId: id(50) as ApprovalId, approve: true, by: 'ada', reason: null }

describe('a step that has its own approval', () => {
  it('is asked for when those before it are done, and its time begins then', () => {
    const snapshot = stepByStep()
    const later = START + 10 * TIME_MS
    expect(types(apply(snapshot, { type: 'tick' }, later))).toEqual(['task.leased'])
    expect(approvalIn(snapshot)).toMatchObject({ status: 'pending', asked_at: null })
    done(snapshot, 2)
    expect(types(apply(snapshot, { type: 'tick' }, later))).toEqual(['approval.requested', 'execution.waiting'])
    expect(approvalIn(snapshot)).toMatchObject({ asked_at: isoTime(later), expires_at: isoTime(later + TIME_MS) })
    apply(snapshot, decide, later + TIME_MS - 1)
    expect(approvalIn(snapshot)).toMatchObject({ status: 'used', decided_by: 'ada' })
  })

  it('is inspected and sealed again before anybody is asked', () => {
    const snapshot = stepByStep({ sealed: { [id(4)]: 'planned' } })
    done(snapshot, 2)
    const wanted: ApprovalId[] = []
    const mayAsk: Limits['mayAsk'] = ({ approval_id }) => wanted.push(approval_id) === 0
    const waiting = apply(snapshot, { type: 'tick' }, START, { mayAsk })
    expect(types(waiting)).toEqual(['execution.waiting'])
    expect(wanted).toEqual([id(50)])
    expect(waiting.execution.next_check_at).toBe(isoTime(START + 5_000))
    const shown = approval({ level: 3, sealed: { [id(4)]: 'now' } as ApprovalRow['sealed'], plan_hash: 'new hash' })
    const input = reinspection(shown, { action_hash: 'now', level: 3, approval_id: id(51) as ApprovalId })
    const draft = apply(snapshot, input, START, { mayAsk })
    expect(types(draft)).toEqual(['task.replanned', 'approval.requested'])
    expect(snapshot.tasks.get(id(4) as TaskId)).toMatchObject({ action_hash: 'now', approval_id: id(50), level: 3 })
    expect(approvalIn(snapshot)).toMatchObject({ plan_hash: 'new hash', sealed: { [id(4)]: 'now' }, status: 'pending' })
    // Another replica has looked as well.
    expect(types(apply(snapshot, input, START, { mayAsk }))).toEqual([])
  })

  it('is not asked for where it is so already by then', () => {
    const snapshot = stepByStep()
    done(snapshot, 2)
    const draft = apply(snapshot, reinspection(undefined, { action_hash: 'now', level: 0, approval_id: null }))
    expect(types(draft)).toEqual(['task.replanned', 'task.leased'])
    expect(approvalIn(snapshot)).toMatchObject({ status: 'cancelled', asked_at: null })
    expect(snapshot.tasks.get(id(3) as TaskId)).toMatchObject({ actual_status: 'skipped' })
  })

  it('is asked for as it was planned where nothing else is known', () => {
    const snapshot = stepByStep()
    done(snapshot, 2)
    const draft = apply(snapshot, { type: 'reinspected', approvalId: id(50) as ApprovalId }, START, {
      mayAsk: () => false,
    })
    expect(types(draft)).toEqual(['approval.requested', 'execution.waiting'])
  })

  it('cannot be decided before', () => {
    expect(() => apply(stepByStep(), decide)).toThrow(expect.objectContaining({ code: 'not_found' }))
  })

  it('begins nothing once it has expired, whether anybody has looked since or not', () => {
    const asked = { status: 'approved', decided_by: 'ada', asked_at: isoTime(START) } as const
    const snapshot = stepByStep(asked)
    Object.assign(snapshot.tasks.get(id(3) as TaskId) as TaskRow, { actual_status: 'done' })
    apply(snapshot, { type: 'tick' })
    done(snapshot, 2)
    const draft = apply(snapshot, { type: 'resumed', reason: null, by: 'ada' }, START + TIME_MS)
    expect(draft.leases).toEqual([])
    expect(snapshot.execution).toMatchObject({ ending: 'denied', error: { code: 'approval_expired' } })
  })

  it('is void under another policy than the one it was planned under', () => {
    const snapshot = stepByStep({ policy_version: 'older' })
    apply(snapshot, { type: 'tick' })
    expect(snapshot.execution).toMatchObject({ status: 'denied', error: { code: 'approval_mismatch' } })
  })
})

describe('what a grant pre-approves', () => {
  const ahead = (over: boolean, keysFree = true): { snapshot: Snapshot; draft: Draft } => {
    const tasks = [
      task(3, { task_kind: 'approve', capability: 'human', actual_status: 'done' }),
      task(4, { level: 1, approval_id: id(50) as ApprovalId, dependencies: [id(3) as TaskId], concurrency_key: 'key' }),
    ]
    const given = { status: 'approved', grant_id: GRANT, decided_by: 'ada', asked_at: isoTime(START) } as const
    const snapshot = snapshotOf(tasks, approval({ ...given, grant_over: over }))
    const draft = draftOf(snapshot, START)
    reconcile(draft, { type: 'tick' }, { ...limits, keysFree: () => keysFree })
    return { snapshot, draft }
  }

  it('is used like an agreement, and known by its permission', () => {
    const { snapshot, draft } = ahead(false)
    expect(approvalIn(snapshot)).toMatchObject({ status: 'used', grant_id: GRANT })
    expect(draft.consumed).toEqual(new Set([id(50)]))
  })

  it('is asked for after all where the permission was taken back before it was used', () => {
    const { snapshot, draft } = ahead(true)
    expect(types(draft)).toEqual(['approval.recalled', 'approval.requested', 'execution.waiting'])
    expect(approvalIn(snapshot)).toMatchObject({ status: 'pending', grant_id: null, decided_by: null })
    expect(snapshot.tasks.get(id(4) as TaskId)?.actual_status).toBe('pending')
    apply(snapshot, decide)
    expect(approvalIn(snapshot)).toMatchObject({ status: 'used', decided_by: 'ada', grant_id: null })
  })

  it('is asked for by nobody once the execution is to end', () => {
    const { snapshot } = ahead(false, false)
    apply(snapshot, { type: 'cancelled', reason: null, undo: true, by: 'ada' })
    approvalIn(snapshot).grant_over = true
    apply(snapshot, { type: 'tick' })
    expect(snapshot.execution.status).toBe('cancelled')
    expect(approvalIn(snapshot).status).toBe('approved')
    expect(snapshot.tasks.get(id(3) as TaskId)?.actual_status).toBe('done')
  })

  it('is asked for after all where the execution is tried again', () => {
    const { snapshot } = ahead(false, false)
    apply(snapshot, { type: 'cancelled', reason: null, undo: true, by: 'ada' })
    approvalIn(snapshot).grant_over = true
    const draft = apply(snapshot, { type: 'retried', reason: null, by: 'ada' })
    expect(types(draft)).toContain('approval.recalled')
    expect(snapshot.execution.status).toBe('waiting')
  })

  it('stays valid where it has been used', () => {
    const { snapshot } = ahead(false)
    approvalIn(snapshot).grant_over = true
    apply(snapshot, { type: 'tick' })
    expect(approvalIn(snapshot)).toMatchObject({ status: 'used', grant_id: GRANT })
  })
})
