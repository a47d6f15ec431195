/** Hands out one leased task: an action to the executor, or a question to the hybrid agent. */
import type { Bus } from '@deed/mesh/bus'
import { workAct } from '@deed/proto/action'
import { workSolve } from '@deed/proto/agent'
import type { Lease } from '../execution/draft.ts'
import { type ExecutionRow, isAct, isSolve } from '../execution/snapshot.ts'

const MICROUSD = 1_000_000

export function handOutOne(bus: Bus, execution: ExecutionRow, { task, token, intent, again = false }: Lease): void {
  const { tenant, execution_id, trace } = execution
  const attempt = { taskId: task.task_id, attempt: token, again }
  if (intent === 'solve') {
    if (!isSolve(task)) throw new Error(`task ${task.task_id} has no question for a model`)
    const budget = budgetOf(execution)
    const payload = {
      task_id: task.task_id,
      execution_id,
      tenant,
      requested_by: execution.user_name,
      token,
      task: task.spec,
      ...(budget === undefined ? {} : { budget_microusd: budget }),
      earlier_errors: task.last_error === null ? [] : [task.last_error],
    }
    return bus.handOut(workSolve, payload, { tenant, trace, attempt, queued: again })
  }
  if (!isAct(task)) throw new Error(`task ${task.task_id} has no action`)
  const payload = {
    task_id: task.task_id,
    execution_id,
    tenant,
    token,
    intent,
    action: task.spec,
    action_hash: task.action_hash ?? '',
  }
  bus.handOut(workAct, payload, { tenant, trace, attempt, queued: again })
}

function budgetOf({ budget_microusd: raised, request: { budget_usd: asked } }: ExecutionRow): number | undefined {
  return raised ?? (asked === undefined ? undefined : Math.floor(asked * MICROUSD))
}
