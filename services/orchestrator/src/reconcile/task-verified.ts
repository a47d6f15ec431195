/** Whether what is done is what the task asks for, where a model has said what that is. */
import type { Action } from '@deed/proto/action'
import { isAct, type Snapshot, type TaskRow } from '../snapshot.ts'

/**
 * What a rule planned is verified with its actions: its pattern is the reading. What a model planned is not, however
 * well its actions hold, unless checks that rules derived hold too, or a person approved the reading that was shown.
 * Each of several readings is judged by itself.
 */
export function isTaskVerified({ tasks, approvals }: Pick<Snapshot, 'tasks' | 'approvals'>): boolean {
  const readings = new Map<string, (TaskRow & { spec: Action })[]>()
  for (const task of tasks.values()) {
    if (!isAct(task) || task.spec.reading_of === undefined) continue
    readings.set(task.spec.reading_of, [...(readings.get(task.spec.reading_of) ?? []), task])
  }
  return [...readings.values()].every((acts) => isChecked(acts) || isApproved(acts, approvals))
}

function isChecked(acts: readonly (TaskRow & { spec: Action })[]): boolean {
  const checks = acts.filter(({ spec }) => spec.checks !== undefined)
  return checks.length > 0 && checks.every(({ actual_status }) => actual_status === 'done')
}

/** A person approved the reading, and nothing was changed that is not covered by that. */
function isApproved(acts: readonly TaskRow[], approvals: Snapshot['approvals']): boolean {
  const bySomebody = ({ approval_id: id, verification }: TaskRow): boolean => {
    const approval = id === null ? undefined : approvals.get(id)
    if (approval) return approval.grant_id === null && approval.decided_by !== null
    return verification?.kind === 'signed'
  }
  return acts.some(bySomebody) && acts.every((task) => task.effect === 'none' || bySomebody(task))
}
