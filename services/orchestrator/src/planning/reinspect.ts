/**
 * Inspects a step again when the steps before it are done and its approval is due: the approver sees its current state,
 * not the state at planning time.
 */
import { DeedError } from '@deed/proto/errors'
import type { ApprovalId, ExecutionId } from '@deed/proto/ids'
import type { Log } from '@deed/telemetry/logger'
import type { Driver, Reinspect } from '../dispatch/drive.ts'
import { isAct, type Snapshot } from '../execution/snapshot.ts'
import type { Reinspected } from '../reconcile/input.ts'
import { type Planning, replanTask } from './plan-work.ts'

interface Dependencies {
  readonly driver: Driver
  readonly planning: Planning
  readonly log: Log
}

/** If the inspection fails, it is repeated at the next check of the execution. */
export function reinspect({ driver, planning, log }: Dependencies): Reinspect {
  const looking = new Set<ApprovalId>()
  const inspect = async (id: ExecutionId, approvalId: ApprovalId): Promise<void> => {
    const resealed = await inspectTargets(planning, await driver.peek(id), approvalId)
    await driver.apply(id, { type: 'reinspected', approvalId, ...(resealed ? { resealed } : {}) })
  }
  return (id, approvalId) => {
    if (looking.has(approvalId)) return
    looking.add(approvalId)
    inspect(id, approvalId)
      .catch((error: unknown) => log.warn({ err: error, execution_id: id }, 'inspecting a step again failed'))
      .finally(() => looking.delete(approvalId))
  }
}

/** @returns `undefined` if it is as shown, or cannot be shown better */
async function inspectTargets(
  planning: Planning,
  snapshot: Snapshot,
  approvalId: ApprovalId,
): Promise<Reinspected['resealed']> {
  const step = [...snapshot.tasks.values()].find(({ approval_id: id }) => id === approvalId)
  if (!step || !isAct(step)) return undefined
  const names = new Set([...snapshot.tasks.values()].map(({ name }) => name))
  const place = { position: snapshot.tasks.size, names, after: [] }
  try {
    const replanned = await replanTask(planning, snapshot.execution, step, place)
    return replanned.task.action_hash === step.action_hash ? undefined : { taskId: step.task_id, ...replanned }
  } catch (error) {
    // If it is approved all the same, the attempt reports the reason.
    if (error instanceof DeedError && !error.retryable) return undefined
    throw error
  }
}
