/** Which approvals are no longer valid for work that is retried, and the new ones that replace them. */
import { DeedError } from '@deed/proto/errors'
import type { TaskId } from '@deed/proto/ids'
import { type Draft, setActual, setApproval, setDesired } from '../execution/draft.ts'
import { isoTime } from '../execution/iso-time.ts'
import type { Snapshot, TaskRow } from '../execution/snapshot.ts'
import type { NewApprovals } from './input.ts'
import { addWork } from './planned.ts'

/** The time and the policy version of a request. */
export interface Moment {
  /** In milliseconds since 1970. */
  now: number
  policyVersion: string
}

/**
 * Whether a task needs a new approval before it is retried: the old one covered an effect that has happened, belongs to
 * another policy, or has expired.
 */
export function needsApproval(
  task: TaskRow,
  { approvals }: Pick<Snapshot, 'approvals'>,
  { now, policyVersion }: Moment,
): boolean {
  if (task.approval_id === null) return false
  const approval = approvals.get(task.approval_id)
  if (approval === undefined) return true
  const lasts = Date.parse(approval.expires_at) > now && approval.policy_version === policyVersion
  if (approval.status === 'approved') return !lasts
  const hadEffect = task.effect !== 'none' || task.actual_status === 'undone'
  // A grant may have been revoked since it was used.
  return approval.status !== 'used' || !lasts || hadEffect || approval.grant_id !== null
}

/** @throws {DeedError} `not_retryable` for a denied task: it needs a new request */
export function refuseDenied({ approvals }: Pick<Snapshot, 'approvals'>, tasks: readonly TaskRow[]): void {
  for (const { approval_id: id, title } of tasks) {
    if (id === null || approvals.get(id)?.status !== 'denied') continue
    throw new DeedError('not_retryable', `"${title}" was denied; submit the task again`)
  }
}

/**
 * Puts the new approvals before the tasks that need one, in place of their old ones.
 *
 * @throws {DeedError} `unavailable` if the tasks have changed since the approvals were made
 */
export function renewApprovals(draft: Draft, needing: readonly TaskRow[], again: NewApprovals | undefined): void {
  const made = new Map(again?.tasks.map((one) => [one.task_id, one]))
  if (needing.length !== made.size || needing.some(({ task_id }) => !made.has(task_id))) {
    throw new DeedError('unavailable', 'the execution has changed meanwhile; try again')
  }
  for (const task of needing) {
    const { spec, action_hash, level, approval_id, dependencies } = made.get(
      task.task_id,
    ) as NewApprovals['tasks'][number]
    setDesired(draft, task, { spec, action_hash, level, approval_id, dependencies: [...dependencies] })
  }
  if (again) addWork(draft, again.work)
  cancelUnused(draft, new Set(again?.work.approvals.map(({ task_id }) => task_id)))
}

/** Approvals without a waiting task would otherwise expire, and end the execution. */
function cancelUnused(draft: Draft, added: ReadonlySet<TaskId>): void {
  const used = new Set([...draft.tasks.values()].map(({ approval_id }) => approval_id))
  for (const approval of draft.approvals.values()) {
    const { approval_id: id, status, task_id } = approval
    if (used.has(id) || added.has(task_id)) continue
    if (status === 'pending' || status === 'approved') setApproval(draft, approval, { status: 'cancelled' })
    const asking = draft.tasks.get(task_id)
    if (asking?.actual_status !== 'cancelled' && asking?.actual_status !== 'pending') continue
    setActual(draft, asking, { actual_status: 'skipped', finished_at: isoTime(draft.now) })
  }
}
