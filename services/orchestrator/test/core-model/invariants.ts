/** What holds for all histories: each check compares the rows before an input with the draft after it. */
import { canonicalJson, sha256 } from '@deed/json/canonical-json'
import type { DeedError } from '@deed/proto/errors'
import type { TaskId } from '@deed/proto/ids'
import { type ApprovalStatus, FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { expect } from 'vitest'
import { type Draft, draftOf, hasChanged } from '../../src/execution/draft.ts'
import { reviewOf } from '../../src/execution/person-task.ts'
import { nextToUndo, progressOf, readyTasks } from '../../src/execution/progress.ts'
import type { Progress, Snapshot, TaskRow } from '../../src/execution/snapshot.ts'
import type { Input } from '../../src/reconcile/input.ts'
import { reconcile } from '../../src/reconcile/reconcile.ts'
import { dependentsOf } from '../../src/reconcile/roll-back.ts'
import { limitsOf, type Model, running } from './model.ts'
import { ID } from './rows.ts'

/** A report under an old token, and only that, is stale; without evidence nothing is done. */
export function checkRefused({ snapshot }: Model, input: Input, { code }: DeedError): void {
  if (input.type !== 'reported') return
  const task = snapshot.tasks.get(input.report.task_id)
  const stale = task?.token !== input.report.token || task.intent !== input.report.intent
  expect(code).toBe(stale ? 'stale_token' : 'evidence_missing')
}

/** What was undone, or is tried again after it had an effect, does not begin under the agreement that it had then. */
export function checkOneEffect({ spent }: Model, was: Snapshot, draft: Draft, { type }: Input): void {
  for (const task of was.tasks.values()) {
    const { task_id: id, approval_id, effect, actual_status: status } = task
    if (approval_id === null) continue
    const now = draft.tasks.get(id)
    const undone = now?.actual_status === 'undone' || status === 'undone'
    const retried =
      (type === 'retried' || type === 'resolved') && effect !== 'none' && status !== 'pending' && now?.intent !== 'undo'
    if (undone || (retried && now?.actual_status === 'pending')) spent.add(`${id} ${approval_id}`)
  }
  for (const { task, intent, again } of draft.leases) {
    if (intent !== 'do' || again || task.approval_id === null) continue
    expect(spent, 'one agreement, one effect').not.toContain(`${task.task_id} ${task.approval_id}`)
  }
}

export function checkLeases(model: Model, was: Snapshot, draft: Draft, input: Input): void {
  const { tasks, execution, approvals } = draft
  for (const { task, token, intent, again } of draft.leases) {
    const granted = model.attempts.filter(({ taskId }) => taskId === task.task_id)
    expect(token, 'tokens rise by one').toBe(granted.length + (again ? 0 : 1))
    expect(task.capability, 'nothing of a person is handed out').not.toBe('human')
    if (again) continue
    const old = was.tasks.get(task.task_id)
    if (old?.actual_status === 'in_progress' && old.lease_expires_at !== null && aboutOf(input) !== task.task_id)
      expect(Date.parse(old.lease_expires_at), 'one owner').toBeLessThanOrEqual(model.now)
    if (intent === 'undo') {
      expect(running(draft), 'undoing goes one at a time').toHaveLength(1)
      const resting = dependentsOf(tasks, new Set([task.task_id]))
      const left = resting.filter(({ actual_status }) => !['blocked', 'skipped'].includes(actual_status))
      expect(
        left.map(({ name }) => name),
        'what rests on it is undone first',
      ).toEqual([])
      for (const other of draft.progress.undo) {
        if (['blocked', 'skipped'].includes(other.actual_status)) continue
        const [newer, older] = [model.effects.get(other.task_id), model.effects.get(task.task_id)]
        expect(newer?.from, `${task.name} is undone before ${other.name}`).toBeLessThanOrEqual(older?.to ?? -1)
      }
      continue
    }
    expect(model.stopped, 'what was cancelled begins nothing').toBe(false)
    expect(execution.ending, 'what is ending begins nothing').toBeNull()
    expect(execution.status, 'what holds still begins nothing').not.toBe('paused')
    for (const id of task.dependencies) expect(['done', 'skipped'], 'order').toContain(tasks.get(id)?.actual_status)
    if (task.approval_id === null) continue
    const approval = approvals.get(task.approval_id)
    expect(approval?.status, 'agreed to').toBe('used')
    if (was.approvals.get(task.approval_id)?.status === 'used') continue
    expect(draft.consumed).toContain(task.approval_id)
    expect(Date.parse(approval?.expires_at ?? ''), 'agreed to in time').toBeGreaterThan(model.now)
    expect(approval?.policy_version, 'agreed to under the policy that is in force').toBe(String(model.policy))
    expect(approval?.grant_over ?? false, 'approved by a grant in force').toBe(false)
  }
}

/** A question is answered once; the plan comes with the last answer, and never before. */
export function checkAnswers(was: Snapshot, draft: Draft, input: Input): void {
  const questions = [...was.tasks.values()].filter(({ task_kind }) => task_kind === 'choose')
  for (const task of questions) if (task.actual_status === 'done') expect(draft.tasks.get(task.task_id)).toEqual(task)
  if (input.type !== 'chosen') return
  const open = questions.filter(({ actual_status: status }) => status === 'pending').map(({ task_id }) => task_id)
  expect(open).toContain(input.taskId)
  expect(input.plan !== undefined).toBe(open.length === 1 && !input.next && !input.refused)
}

/** Whose attempt has ended with this. */
const aboutOf = (input: Input): TaskId | undefined =>
  input.type === 'reported' ? input.report.task_id : input.type === 'replanned' ? input.taskId : undefined

/** Columns that the statement which writes a draft changes; the others are as they were inserted. */
const DESIRED = ['desired_status', 'dependencies', 'level', 'approval_id', 'spec', 'action_hash', 'replans'] as const
const NEVER = [
  'position',
  'name',
  'title',
  'task_kind',
  'capability',
  'priority',
  'concurrency_key',
  'resource_key',
  'on_failure',
] as const
/** Of what is inserted, columns that are left to their defaults. */
const AT_FIRST = { assigned_agent: null, failure_count: 0, effect: 'none', undo_verification: null }

/** What is in the rows is what the tables get to know. */
export function checkWritten(was: Snapshot, draft: Draft): void {
  for (const task of draft.tasks.values()) {
    const old = was.tasks.get(task.task_id)
    if (draft.added.has(task.task_id)) {
      expect(old).toBeUndefined()
      expect(task).toMatchObject(AT_FIRST)
      continue
    }
    const seen = { ...task }
    for (const key of NEVER) expect(seen[key], key).toEqual(old?.[key])
    if (!draft.desiredChanged.has(task.task_id)) for (const key of DESIRED) expect(seen[key], key).toEqual(old?.[key])
    if (draft.actualChanged.has(task.task_id)) continue
    const kept = Object.fromEntries(DESIRED.map((key) => [key, task[key]]))
    expect(seen).toEqual({ ...old, ...kept })
  }
  for (const [id, approval] of draft.approvals) {
    if (!draft.approvalsChanged.has(id)) expect(approval).toEqual(was.approvals.get(id))
  }
  if (hasChanged(draft)) return
  expect({ ...draft.execution, next_check_at: '' }).toEqual({ ...was.execution, next_check_at: '' })
}

/** What a task has become, and the row of the audit log that says so. */
const AUDIT_TYPES = {
  done: 'task.done',
  undone: 'task.undone',
  blocked: 'task.blocked',
  failed: 'task.failed',
  skipped: 'task.skipped',
} as const

/** Every transition has its row, and no more than one. */
export function checkAuditRows(was: Snapshot, draft: Draft): void {
  const rowsOf = (task: TaskRow, ...types: string[]) =>
    draft.audit.filter(({ type, task_id }) => task_id === task.task_id && types.includes(type))
  for (const task of draft.tasks.values()) {
    const granted = draft.leases.filter((lease) => lease.task === task && !lease.again)
    expect(rowsOf(task, 'task.leased', 'task.undoing').map(({ data }) => data.token)).toEqual(
      granted.map(({ token }) => token),
    )
    const { actual_status: status, task_kind } = task
    const old = was.tasks.get(task.task_id)
    if (task_kind === 'approve' || task_kind === 'review') continue
    if (status === 'failed' && task.desired_status === 'undone') continue
    if (status === 'done' || status === 'undone' || status === 'blocked' || status === 'failed' || status === 'skipped')
      expect(rowsOf(task, AUDIT_TYPES[status]), `${task.name} ${status}`).toHaveLength(
        old?.actual_status === status ? 0 : 1,
      )
  }
  for (const approval of draft.approvals.values()) {
    const old = was.approvals.get(approval.approval_id)?.status
    const type: Partial<Record<ApprovalStatus, string>> = {
      approved: 'approval.decided',
      denied: 'approval.decided',
      expired: 'approval.decided',
      used: 'approval.used',
    }
    const decided = draft.audit.filter(
      (row) => row.type === type[approval.status] && row.data.approval_id === approval.approval_id,
    )
    if (type[approval.status]) expect(decided.length, approval.status).toBe(old === approval.status ? 0 : 1)
  }
  const ended = draft.audit.filter(({ type }) => type === 'execution.ended').length
  const isFinal = FINAL_EXECUTION_STATUSES.has(draft.execution.status)
  if (isFinal && !FINAL_EXECUTION_STATUSES.has(was.execution.status)) expect(ended).toBe(1)
}

export function checkRows(draft: Draft): void {
  const { tasks, execution, approvals } = draft
  const all = [...tasks.values()]
  const blocked = all.filter(({ actual_status }) => actual_status === 'blocked')
  const open = all.filter((task) => reviewOf(task) !== undefined && task.actual_status === 'pending')
  expect(open.map((task) => reviewOf(task)?.about).sort(), 'each blocked task has one open review').toEqual(
    blocked.map(({ task_id }) => task_id).sort(),
  )
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
  for (const task of all) {
    if (task.actual_status === 'done') expect(task.verification?.outcome, 'evidence').toBe('verified')
    if (task.actual_status === 'undone') {
      expect(task.undo_verification?.outcome, 'evidence').toBe('verified')
      expect(task.effect).toBe('none')
    }
    expect(task.lease_expires_at !== null, 'a running task has a lease').toBe(task.actual_status === 'in_progress')
    if (task.capability === 'human') expect(task.token).toBe(0)
  }
  if (!FINAL_EXECUTION_STATUSES.has(execution.status)) return
  const unended = all.filter(({ actual_status: status }) => status === 'pending' || status === 'in_progress')
  expect(unended.filter((task) => reviewOf(task) === undefined).map(({ name }) => name)).toEqual([])
  expect([...approvals.values()].filter(({ status }) => status === 'pending')).toEqual([])
  if (execution.status === 'done')
    for (const { actual_status, task_kind } of all)
      if (task_kind !== 'review') expect(['done', 'skipped', 'undone']).toContain(actual_status)
  if (execution.status === 'rolled_back') for (const { effect } of all) expect(effect).toBe('none')
  if (blocked.length > 0) expect(execution.status).toBe('rollback_failed')
}

/** What is kept as tasks change is what one would find by looking at all of them. */
export function checkProgress({ progress, tasks }: Draft): void {
  expect(seenOf(progress)).toEqual(seenOf(progressOf(tasks)))
}

function seenOf(progress: Progress) {
  const names = (rows: Iterable<TaskRow>): string[] => [...rows].map(({ name }) => name).sort()
  const { running: runs, failed, undo, ready, counts } = progress
  return {
    ...{ running: names(runs), failed: names(failed), undo: names(undo), counts: { ...counts } },
    next: nextToUndo(progress)?.name,
    ready: [...ready]
      .flatMap(([capability, one]) => names(readyTasks(one)).map((name) => `${capability} ${name}`))
      .sort(),
  }
}

/** Only a person's word leaves what is final. */
export function checkFinal(was: Snapshot, draft: Draft, { type }: Input): void {
  if (!FINAL_EXECUTION_STATUSES.has(was.execution.status)) return
  if (type === 'rolled_back' || type === 'retried' || type === 'resolved') return
  expect(draft.leases).toEqual([])
  expect({ ...draft.execution, next_check_at: '', audit_seq: 0, audit_hash: '' }).toEqual({
    ...{ ...was.execution, next_check_at: '', audit_seq: 0, audit_hash: '' },
  })
  expect(draft.tasks).toEqual(was.tasks)
  expect(draft.audit.filter(({ type: of }) => of !== 'approval.refused')).toEqual([])
}

/** Reconciling again, with no event in between, finds nothing to do. */
export function checkNothingLeft(model: Model): void {
  const draft = draftOf(structuredClone(model.snapshot), model.now)
  reconcile(draft, { type: 'tick' }, limitsOf(model, draft))
  expect(draft.leases.filter(({ again }) => !again)).toEqual([])
  expect(draft.audit).toEqual([])
  expect(hasChanged(draft), 'there is nothing left to do').toBe(false)
}

export function checkChain({ audit, snapshot }: Model): void {
  let hash = ''
  for (const [index, { seq, type, at, task_id, data, hash: kept }] of audit.entries()) {
    expect(seq).toBe(index + 1)
    hash = sha256(hash + canonicalJson({ execution_id: ID, seq, type, at, task_id, data }))
    expect(kept).toBe(hash)
  }
  expect(snapshot.execution).toMatchObject({ audit_seq: audit.length, audit_hash: hash })
}
