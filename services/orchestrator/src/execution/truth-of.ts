/** What an end says about the truth of the mesh: whether it is what it says, and whether a rollback succeeded. */
import { isAct, type Snapshot, type TaskRow } from './snapshot.ts'

export type Truth =
  | { name: 'deed_false_success_total' | 'deed_unverified_done_total'; labels: Record<never, string> }
  | { name: 'deed_rollbacks_total'; labels: { outcome: 'rolled_back' | 'rollback_failed' } }

/** Empty for an execution that is done, with evidence and verified; and for one that failed, which claims nothing. */
export function truthOf({ execution: { status, task_verified }, tasks }: Snapshot): Truth[] {
  if (status === 'rolled_back' || status === 'rollback_failed')
    return [{ name: 'deed_rollbacks_total', labels: { outcome: status } }]
  if (status !== 'done') return []
  const isFalse = [...tasks.values()].some((task) => isAct(task) && !isSo(task))
  return [
    ...(isFalse ? [{ name: 'deed_false_success_total' as const, labels: {} }] : []),
    ...(task_verified ? [] : [{ name: 'deed_unverified_done_total' as const, labels: {} }]),
  ]
}

/** Whether a task of a successful execution is what it should be. */
function isSo({ desired_status, actual_status, verification, effect }: TaskRow): boolean {
  if (desired_status !== 'done' || actual_status === 'skipped') return true
  if (actual_status !== 'done') return false
  return verification?.outcome === 'verified' || (verification?.kind === 'unconfirmed' && effect === 'none')
}
