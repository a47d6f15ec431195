// A task that proposes a decision: when it is proposed, what the organization's decision does, and who cannot answer for it.
import { Decision } from '@deed/proto/decision'
import type { ApprovalId, ExecutionId, TaskId } from '@deed/proto/ids'
import { describe, expect, it } from 'vitest'
import { type Draft, draftOf } from '../execution/draft.ts'
import { isoTime } from '../execution/iso-time.ts'
import { newExecution } from '../execution/new-execution.ts'
import { newTask } from '../execution/new-task.ts'
import type { ApprovalRow, Snapshot, TaskRow } from '../execution/snapshot.ts'
import type { Input, Limits } from './input.ts'
import { reconcile } from './reconcile.ts'

const START = Date.parse('2026-01-01T00:00:00Z')
const HOUR_MS = 3_600_000
const id = (number: number): string => `01890000-0000-7000-8000-${String(number).padStart(12, '0')}`
const [PROPOSING, AFTER, ASKING, APPROVAL] = [id(2) as TaskId, id(3) as TaskId, id(4) as TaskId, id(50) as ApprovalId]

const limits = (proposed: TaskId[]): Limits => ({
  ...{ leaseMs: 10_000, autoRollback: true, policyVersion: '1' },
  ...{ takeSlot: () => true, keysFree: () => true, mayAsk: () => true, mayBegin: () => true, began: () => undefined },
  propose: ({ task_id }) => void proposed.push(task_id),
  random: () => 0.5,
})

const request = { task: 'it', mode: 'auto', priority: 'normal', dry_run: false } as const
const execution = {
  ...newExecution({ request, principal: { tenant: 'local', user: 'user' }, trace: '' }, START),
  execution_id: id(1) as ExecutionId,
  status: 'running' as const,
}
const task = (task_id: TaskId, facts: Partial<TaskRow>): TaskRow =>
  newTask(execution, {
    ...{ task_id, position: 0, name: task_id, title: 'a task', task_kind: 'act', capability: 'act', priority: 5 },
    now: START,
    ...facts,
  })
const input = { by: 'cto', type: 'standard', subject: { name: 'tests first' }, rationale: 'x' }

/** A proposal under an approval that was given, and an action that waits for the decision. */
function proposing(): Snapshot {
  const approval: ApprovalRow = {
    ...{ tenant: 'local', approval_id: APPROVAL, execution_id: execution.execution_id, task_id: ASKING, level: 2 },
    ...{ status: 'approved', plan_hash: 'hash', policy_version: '1', sealed: {}, actions: [], plan_number: 1 },
    ...{ grant_id: null, requested_by: 'user', decided_by: 'ann', reason: null, consumed_at: null },
    ...{ created_at: isoTime(START), asked_at: isoTime(START), decided_at: isoTime(START) },
    expires_at: isoTime(START + HOUR_MS),
  }
  const tasks = [
    task(ASKING, { task_kind: 'approve', capability: 'human', actual_status: 'done' }),
    task(PROPOSING, {
      ...{ capability: 'human', spec: { kind: 'decision.propose', input }, dependencies: [ASKING] },
      approval_id: APPROVAL,
    }),
    task(AFTER, { dependencies: [PROPOSING] }),
  ]
  return {
    execution: { ...execution },
    tasks: new Map(tasks.map((row) => [row.task_id, row])),
    approvals: new Map([[APPROVAL, approval]]),
    ...{ parts: [], plans: 1 },
  }
}

const made = (status: Decision['status'], more: Partial<Decision> = {}): Decision => ({
  ...Decision.parse({
    ...{ decision_id: id(70), type: 'standard', mode: 'collaborative', status, proposed_by: 'cto' },
    ...{ subject: input.subject, rationale: 'x', facts: [], rule: 'two vote', authority_version: '1', voters: [] },
    ...{ quorum: 0, due_at: null, votes: [], consensus_score: null, execution_id: null },
    ...{ proposed_at: isoTime(START), decided_at: isoTime(START), decided_by: 'votes', why: '2 of 2 voted' },
  }),
  ...more,
})

function play(snapshot: Snapshot, one: Input, now = START): { draft: Draft; proposed: TaskId[] } {
  const draft = draftOf(snapshot, now)
  const proposed: TaskId[] = []
  reconcile(draft, one, limits(proposed))
  return { draft, proposed }
}
const statusOf = ({ tasks }: Snapshot, of: TaskId) => tasks.get(of)?.actual_status
const answer = (decision: Decision): Input => ({
  type: 'decision',
  ...{ taskId: PROPOSING, startedAt: isoTime(START), made: decision },
})

describe('a task that proposes a decision', () => {
  it('is proposed when its turn has come, is dispatched to nobody, and is asked about again each minute', () => {
    const snapshot = proposing()
    const { draft, proposed } = play(snapshot, { type: 'tick' })
    expect([proposed, draft.leases, draft.execution.status]).toEqual([[PROPOSING], [], 'waiting'])
    expect(draft.audit.map(({ type }) => type)).toContain('decision.proposed')
    expect(Date.parse(draft.execution.next_check_at) - START).toBeLessThanOrEqual(60_000)
    expect(play(snapshot, { type: 'tick' }, START + 60_000).proposed).toEqual([PROPOSING])
  })

  it('uses the approval that covers it, so that votes may take longer than an approval is valid', () => {
    const snapshot = proposing()
    play(snapshot, { type: 'tick' })
    expect(snapshot.approvals.get(APPROVAL)?.status).toBe('used')
    play(snapshot, { type: 'tick' }, START + 2 * HOUR_MS)
    expect([statusOf(snapshot, PROPOSING), snapshot.execution.ending]).toEqual(['pending', null])
  })

  it('is done with the approved decision as its evidence, and what waits for it begins', () => {
    const snapshot = proposing()
    play(snapshot, { type: 'tick' })
    const { draft } = play(snapshot, answer(made('approved')))
    expect(draft.leases.map((lease) => lease.task.task_id)).toEqual([AFTER])
    expect(snapshot.tasks.get(PROPOSING)).toMatchObject({
      actual_status: 'done',
      verification: {
        kind: 'signed',
        observed: 'approved, decided by votes: 2 of 2 voted',
        facts: { decision_id: id(70) },
      },
    })
  })

  it('denies the execution where the decision is rejected, or cannot be proposed at all', () => {
    const rejected = proposing()
    play(rejected, { type: 'tick' })
    play(rejected, answer(made('rejected')))
    expect(rejected.execution).toMatchObject({ status: 'denied', error: { code: 'approval_denied' } })
    const refused = proposing()
    play(refused, { type: 'tick' })
    const error = { code: 'forbidden', message: 'cto may not', retryable: false } as const
    play(refused, { type: 'decision', taskId: PROPOSING, startedAt: isoTime(START), made: { refused: error } })
    expect(refused.execution).toMatchObject({ status: 'failed', error: { code: 'forbidden' } })
    expect(statusOf(refused, AFTER)).toBe('cancelled')
  })

  it('stays open for a decision that is open, that is of another attempt, or that nobody proposed', () => {
    const snapshot = proposing()
    // It is not its turn yet.
    snapshot.tasks.get(ASKING)!.actual_status = 'pending'
    expect(statusOf(play(snapshot, answer(made('approved'))).draft, PROPOSING)).toBe('pending')
    const open = proposing()
    play(open, { type: 'tick' })
    play(open, answer(made('pending')))
    play(open, answer(made('escalated')))
    play(open, { ...answer(made('approved')), startedAt: isoTime(START - 1) } as Input)
    expect(statusOf(open, PROPOSING)).toBe('pending')
  })

  it('cannot be answered by a person', () => {
    const snapshot = proposing()
    play(snapshot, { type: 'tick' })
    const provided = {
      taskId: PROPOSING,
      decision: 'provide',
      by: 'ann',
      reason: null,
      result: { text: 'yes' },
    } as const
    expect(() => play(snapshot, { type: 'resolved', ...provided })).toThrow(
      expect.objectContaining({ code: 'not_found' }),
    )
  })
})
