/**
 * Looking once more at what a step would meet, when those before it are done and its turn to be agreed to has come: who
 * agrees is shown what is so now, not what was when the plan was made.
 */
import { DeedError } from '@deed/proto/errors'
import type { ApprovalId, ExecutionId } from '@deed/proto/ids'
import type { Log } from '@deed/telemetry/logger'
import type { Driver, LookAnew } from '../drive.ts'
import type { Looked } from '../reconcile/input.ts'
import { isAct, type Snapshot } from '../snapshot.ts'
import { type Planning, replanTask } from './plan-work.ts'

interface Dependencies {
  readonly driver: Driver
  readonly planning: Planning
  readonly log: Log
}

/** What cannot be looked at just now is looked at again when the execution is. */
export function lookAnew({ driver, planning, log }: Dependencies): LookAnew {
  const looking = new Set<ApprovalId>()
  const look = async (id: ExecutionId, approvalId: ApprovalId): Promise<void> => {
    const anew = await lookAt(planning, await driver.peek(id), approvalId)
    await driver.apply(id, { type: 'looked', approvalId, ...(anew ? { anew } : {}) })
  }
  return (id, approvalId) => {
    if (looking.has(approvalId)) return
    looking.add(approvalId)
    look(id, approvalId)
      .catch((error: unknown) => log.warn({ err: error, execution_id: id }, 'could not look at a step again'))
      .finally(() => looking.delete(approvalId))
  }
}

/** @returns `undefined` where it is as it was shown, or can be shown no better */
async function lookAt(planning: Planning, snapshot: Snapshot, approvalId: ApprovalId): Promise<Looked['anew']> {
  const step = [...snapshot.tasks.values()].find(({ approval_id: id }) => id === approvalId)
  if (!step || !isAct(step)) return undefined
  const names = new Set([...snapshot.tasks.values()].map(({ name }) => name))
  const place = { position: snapshot.tasks.size, names, after: [] }
  try {
    const anew = await replanTask(planning, snapshot.execution, step, place)
    return anew.task.action_hash === step.action_hash ? undefined : { taskId: step.task_id, ...anew }
  } catch (error) {
    // Whoever agrees to it all the same learns why from the attempt.
    if (error instanceof DeedError && !error.retryable) return undefined
    throw error
  }
}
