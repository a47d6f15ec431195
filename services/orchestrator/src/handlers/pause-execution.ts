import type { Handler } from '@deed/mesh/bus'
import type { ExecutionId, Principal } from '@deed/proto/ids'
import { defined } from '@deed/proto/json'
import type { pauseExecution as pauseContract, resumeExecution as resumeContract } from '@deed/proto/steering'
import type { Driver } from '../dispatch/drive.ts'
import type { Input } from '../reconcile/input.ts'
import { findExecution } from '../store/executions.ts'
import type { Database } from '../store/schema.ts'
import { joinExecution } from './join-execution.ts'

interface Dependencies {
  db: Database
  driver: Driver
}

const MICROUSD = 1_000_000

export const pauseExecution =
  (dependencies: Dependencies): Handler<typeof pauseContract> =>
  ({ execution_id, reason }, { principal, served }) =>
    apply(
      dependencies,
      execution_id,
      { principal, served },
      { type: 'paused', reason: reason ?? null, by: principal.user },
    )

export const resumeExecution =
  (dependencies: Dependencies): Handler<typeof resumeContract> =>
  ({ execution_id, reason, budget_usd: budget }, { principal, served }) => {
    const budgetMicrousd = budget === undefined ? undefined : Math.floor(budget * MICROUSD)
    const input = {
      type: 'resumed' as const,
      reason: reason ?? null,
      by: principal.user,
      ...defined({ budgetMicrousd }),
    }
    return apply(dependencies, execution_id, { principal, served }, input)
  }

async function apply(
  { db, driver }: Dependencies,
  executionId: ExecutionId,
  { principal, served }: { principal: Principal; served: Parameters<typeof joinExecution>[0] },
  input: Input,
) {
  const id = await findExecution(db, principal, { executionId })
  const { execution } = await driver.apply(id, input)
  await joinExecution(served, driver, id)
  return { execution_id: id, status: execution.status }
}
