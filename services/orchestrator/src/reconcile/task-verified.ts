/** Whether the result is what the task asks for, if a model interpreted it. */
import type { ReadBy } from '@deed/proto/action'
import { type ActRow, isAct, type Snapshot, type TaskRow } from '../execution/snapshot.ts'

const NEEDS_MORE: ReadonlySet<ReadBy> = new Set(['model', 'recalled'])

/**
 * A rule's plan is verified with its actions: its pattern is the interpretation, or the nearness of its words, or a
 * person's choice, which the reply says; with acceptance criteria, every one of them is observed, too. A model's plan, and one of a request with similar words, need more, however
 * well its actions verify: checks that rules derived, or a person's approval of the shown reading. Several readings are
 * judged separately.
 */
export function isTaskVerified({ tasks, approvals, parts }: Pick<Snapshot, 'tasks' | 'approvals' | 'parts'>): boolean {
  // A criterion that nobody has observed may not hold.
  if (parts.some(({ unchecked = [] }) => unchecked.length > 0)) return false
  const readings = new Map<string, ActRow[]>()
  for (const task of tasks.values()) {
    const reading = isAct(task) ? task.spec.reading : undefined
    if (!isAct(task) || !reading || !NEEDS_MORE.has(reading.by)) continue
    const { of } = reading
    readings.set(of, [...(readings.get(of) ?? []), task])
  }
  return [...readings.values()].every((acts) => isChecked(acts) || isApproved(acts, approvals))
}

function isChecked(acts: readonly ActRow[]): boolean {
  const checks = acts.filter(({ spec }) => spec.checks !== undefined)
  return checks.length > 0 && checks.every(({ actual_status }) => actual_status === 'done')
}

/** A person approved the reading, and every change is covered by that approval. */
function isApproved(acts: readonly TaskRow[], approvals: Snapshot['approvals']): boolean {
  const bySomebody = ({ approval_id: id, verification }: TaskRow): boolean => {
    const approval = id === null ? undefined : approvals.get(id)
    if (approval) return approval.grant_id === null && approval.decided_by !== null
    return verification?.kind === 'signed'
  }
  return acts.some(bySomebody) && acts.every((task) => task.effect === 'none' || bySomebody(task))
}
