/** New approvals for work that is retried: its targets are inspected, and the approver sees their current state. */
import { Action } from '@deed/proto/action'
import type { ApprovalId, ExecutionId, Principal, TaskId } from '@deed/proto/ids'
import type { Driver } from '../dispatch/drive.ts'
import { type ActRow, isAct, type Snapshot, type TaskRow } from '../execution/snapshot.ts'
import { needsApproval } from '../reconcile/agree-again.ts'
import type { NewApprovals, Resolution } from '../reconcile/input.ts'
import { retriedBy } from '../reconcile/resolved.ts'
import { toRetry } from '../reconcile/retried.ts'
import type { Planning } from './plan-work.ts'
import { sealPlan } from './seal-plan.ts'
import { unsealedOf } from './unsealed.ts'
import { type Candidate, inspectTargets, putIrreversibleLast } from './weigh-actions.ts'

export interface Retrying {
  driver: Driver
  planning: Planning
}

/** @throws {DeedError} `not_retryable`, or why a target cannot be inspected */
export async function retryExecution(
  { driver, planning }: Retrying,
  id: ExecutionId,
  { user: by }: Principal,
  reason: string | null,
): Promise<Snapshot> {
  const snapshot = await driver.read(id)
  const moment = { now: planning.now(), policyVersion: planning.policy.version }
  const unfinished = toRetry(snapshot)
  const again = await agreement(
    planning,
    snapshot,
    unfinished.filter((task) => needsApproval(task, snapshot, moment)),
    unfinished,
    by,
  )
  return driver.apply(id, { type: 'retried', by, reason, ...again })
}

/**
 * The new approvals that a review's decision needs; usually none. @throws {DeedError} why a target cannot be inspected
 */
export async function newApprovalsFor(
  { driver, planning }: Retrying,
  id: ExecutionId,
  resolution: Pick<Resolution, 'taskId' | 'decision' | 'by'>,
): Promise<{ again?: NewApprovals }> {
  if (resolution.decision !== 'retry') return {}
  const snapshot = await driver.read(id)
  const needing = retriedBy(snapshot, resolution, { now: planning.now(), policyVersion: planning.policy.version })
  return agreement(planning, snapshot, needing, needing, resolution.by)
}

/**
 * @param needing in plan order
 * @param unfinished all tasks to retry, including these
 * @param by who retries it, and so may not approve it if two people are required
 */
async function agreement(
  planning: Planning,
  { execution, tasks, approvals }: Snapshot,
  needing: readonly TaskRow[],
  unfinished: readonly TaskRow[],
  by: string,
): Promise<{ again?: NewApprovals }> {
  if (needing.length === 0) return {}
  const candidates = needing.filter(isAct).map((task) => candidateOf(task, approvals))
  const asked = { ...execution, user_name: by }
  await inspectTargets(planning, asked, candidates)
  const known = new Set(needing)
  putIrreversibleLast(
    planning.policy,
    candidates,
    unfinished.filter((task) => !known.has(task) && task.capability !== 'human'),
  )
  const names = new Set([...tasks.values()].map(({ name }) => name))
  const unsealed = { execution: asked, tasks: [], candidates, parts: [], names, position: tasks.size }
  const work = await sealPlan(planning, unsealed)
  return { again: { tasks: candidates.map(({ task }) => task), work } }
}

/** The task as it was before approvals were requested, and before its target was inspected. */
function candidateOf(task: ActRow, approvals: ReadonlyMap<ApprovalId, { task_id: TaskId }>): Candidate {
  const asking = task.approval_id === null ? undefined : approvals.get(task.approval_id)?.task_id
  return {
    task: { ...task, approval_id: null, dependencies: task.dependencies.filter((id) => id !== asking) },
    action: { ...unsealedOf(Action.parse(task.spec)), observe_only: false },
    summary: task.title,
    why: '',
    effect: undefined,
  }
}
