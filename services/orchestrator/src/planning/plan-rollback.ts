/** Plans a rollback: what it would undo, in which order, and what prevents it. Nothing is changed. */

import type { Bus } from '@deed/mesh/bus'
import { inspectUndo, type UndoInspection } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import type { ActionId, ExecutionId, Principal, TaskId } from '@deed/proto/ids'
import type { UndoStep } from '@deed/proto/steering'
import { actionIdOf } from '@deed/worker/action-id'
import type { Snapshot, TaskRow } from '../execution/snapshot.ts'
import type { Level, Policy } from '../policy/policy.ts'
import { dependentsOf, toRollBack } from '../reconcile/roll-back.ts'
import { findTask } from '../store/executions.ts'
import type { Database } from '../store/schema.ts'
import { undoLevel } from './undo-level.ts'

export interface RollbackPlan {
  /** Undefined: all of it. */
  taskIds: TaskId[] | undefined
  steps: UndoStep[]
  /** The highest level of its steps. */
  level: Level
}

/**
 * @param taskId the single action to undo; undefined: all of them
 * @param mayBeBlind continue if no executor answers: the undo itself inspects again
 * @throws {DeedError} `already_rolled_back`, `not_undoable`
 */
export async function planRollback(
  bus: Bus,
  policy: Policy,
  principal: Principal,
  snapshot: Snapshot,
  { taskId, withDependents, mayBeBlind }: { taskId: TaskId | undefined; withDependents: boolean; mayBeBlind: boolean },
): Promise<RollbackPlan> {
  let taskIds: TaskId[] | undefined
  if (taskId !== undefined) {
    const resting = withDependents ? dependentsOf(snapshot.tasks, new Set([taskId])) : []
    taskIds = [taskId, ...resting.map(({ task_id }) => task_id)]
  }
  const chosen = toRollBack(snapshot, taskIds)
  const inspected = await inspectEach(bus, principal, chosen, mayBeBlind)
  const steps = chosen.map((task) => {
    const { level, why } = undoLevel(policy, task, principal.user, snapshot.execution.user_name)
    return {
      ...stepOf(task, inspected?.get(actionIdOf(task.task_id)), chosen.length === 1),
      level,
      level_why: why,
    }
  })
  return { taskIds, steps, level: Math.max(0, ...steps.map(({ level }) => level)) as Level }
}

/** @throws {DeedError} `irreversible` or `undo_conflict`, naming what cannot be undone */
export function refuseWhatCannot(steps: readonly UndoStep[]): void {
  const cannot = steps.filter(({ outlook }) => outlook === 'cannot')
  if (cannot.length === 0) return
  const code = cannot.some(({ reversibility }) => reversibility === 'irreversible') ? 'irreversible' : 'undo_conflict'
  const titles = cannot.map(({ title }) => title)
  const rest = steps.length > cannot.length ? '; the others can be undone one by one' : ''
  throw new DeedError(code, `${cannot.map(({ title, why }) => `"${title}": ${why}`).join('; ')}${rest}`, {
    details: { actions: titles },
  })
}

/**
 * @param id of an action or of its task
 * @throws {DeedError} `not_found`, also for other tenants' actions
 */
export async function findAction(
  db: Database,
  bus: Bus,
  principal: Principal,
  id: string,
): Promise<{ executionId: ExecutionId; taskId: TaskId }> {
  const found = await findTask(db, principal, id as TaskId)
  if (found) return found
  const { actions } = await bus.call(inspectUndo, { action_ids: [id as ActionId] }, { principal })
  const [action] = actions
  if (!action) throw new DeedError('not_found', 'there is no such action; `deed get tasks --execution ...` lists them')
  return { executionId: action.execution_id, taskId: action.task_id }
}

async function inspectEach(
  bus: Bus,
  principal: Principal,
  tasks: readonly TaskRow[],
  mayBeBlind: boolean,
): Promise<Map<ActionId, UndoInspection> | undefined> {
  try {
    const ids = tasks.map(({ task_id }) => actionIdOf(task_id))
    const { actions } = await bus.call(inspectUndo, { action_ids: ids }, { principal, patient: false })
    return new Map(actions.map((action) => [action.action_id, action]))
  } catch (error) {
    if (mayBeBlind && error instanceof DeedError && error.retryable) return undefined
    throw error
  }
}

function stepOf(
  task: TaskRow,
  seen: UndoInspection | undefined,
  alone: boolean,
): Omit<UndoStep, 'level' | 'level_why'> {
  const { task_id, name, title, spec } = task
  const step = {
    task_id,
    action_id: actionIdOf(task_id),
    name,
    title,
    kind: typeof spec?.kind === 'string' ? spec.kind : 'unknown',
    reversibility: seen?.reversibility ?? null,
    observed: seen?.observed ?? null,
  }
  if (!seen) return { ...step, outlook: 'undo', why: null }
  if (seen.at === 'before') return { ...step, outlook: 'nothing', why: 'nothing of it is left' }
  if (seen.means_otherwise !== undefined) return { ...step, outlook: 'cannot', why: seen.means_otherwise }
  if (seen.reversibility === 'irreversible') {
    return { ...step, outlook: 'cannot', why: `a ${seen.kind} like this cannot be undone` }
  }
  // One of several may have been changed by a later action, which is undone first.
  if (alone && seen.at === 'elsewhere') {
    return { ...step, outlook: 'cannot', why: `it has been changed since: ${seen.observed}` }
  }
  return { ...step, outlook: 'undo', why: null }
}
