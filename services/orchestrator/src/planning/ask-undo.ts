/** The request to approve a rollback. */
import { randomUUIDv7 } from 'node:crypto'
import type { SealedStep } from '@deed/proto/approval'
import type { ApprovalId, Principal } from '@deed/proto/ids'
import type { JsonObject } from '@deed/proto/json'
import type { UndoStep } from '@deed/proto/steering'
import { isoTime } from '../execution/iso-time.ts'
import { newTask } from '../execution/new-task.ts'
import type { Snapshot } from '../execution/snapshot.ts'
import type { Input } from '../reconcile/input.ts'
import { type UndoRequest, undoHash } from '../reconcile/undo-requested.ts'
import { freeName } from './free-name.ts'
import { hiddenIn } from './hidden-in.ts'
import type { RollbackPlan } from './plan-rollback.ts'
import type { Sealing } from './seal-plan.ts'

/** @throws {DeedError} as `toRollBack` */
export function askUndo(
  { policy, now }: Pick<Sealing, 'policy' | 'now'>,
  snapshot: Snapshot,
  { taskIds, steps, level }: RollbackPlan,
  { user: by }: Principal,
  reason: string | null,
): Extract<Input, { type: 'undo_asked' }> {
  const { execution, tasks } = snapshot
  const at = now()
  const ask: UndoRequest = { undo: taskIds ?? null, by, reason }
  const task = newTask(execution, {
    position: tasks.size,
    name: freeName(new Set([...tasks.values()].map(({ name }) => name)), 'approve-rollback'),
    title: `approve the undo of ${steps.length === 1 ? steps[0]?.title : `${steps.length} actions`}`
      .slice(0, 512)
      .toWellFormed(),
    task_kind: 'approve',
    capability: 'human',
    priority: 1,
    level,
    spec: ask as JsonObject,
    now: at,
  })
  return {
    type: 'undo_asked',
    task,
    approval: {
      tenant: execution.tenant,
      approval_id: randomUUIDv7() as ApprovalId,
      execution_id: execution.execution_id,
      task_id: task.task_id,
      level,
      status: 'pending',
      plan_hash: undoHash(snapshot, ask, policy.version),
      policy_version: policy.version,
      // No action begins under this approval.
      sealed: {},
      actions: steps.map((step) => stepOf(snapshot, step)),
      plan_number: 0,
      grant_id: null,
      requested_by: by,
      decided_by: null,
      reason: null,
      created_at: isoTime(at),
      asked_at: isoTime(at),
      decided_at: null,
      consumed_at: null,
      expires_at: isoTime(at + policy.approval_ttl_seconds * 1_000),
    },
  }
}

function stepOf({ tasks }: Snapshot, { task_id, title, level, level_why: why, observed }: UndoStep): SealedStep {
  const action = tasks.get(task_id)?.spec ?? {}
  return {
    task_id,
    title,
    summary: `undo: ${title}`,
    level,
    why,
    action,
    hidden: hiddenIn(action),
    effect: null,
    reversibility: null,
    state_before: observed,
    environment: null,
    sandbox: null,
    diff: null,
    observes: null,
    changed: [],
  }
}
