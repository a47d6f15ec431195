/** A dry run: what would be done, agreed to, verified. Nothing is stored. */
import type { ExecutionReply } from '@deed/proto/execution'
import type { Json } from '@deed/proto/json'
import { replyOf } from './answer.ts'
import { emptySnapshot, type Incoming, newExecution } from './new-execution.ts'
import type { PlanDependencies } from './plan-execution.ts'
import { EMPTY, weighWork } from './plan-work.ts'
import { screenOf, sealPlan, stepsOf } from './seal-plan.ts'
import { think } from './think.ts'

/** @throws {DeedError} for what would be refused when it is run */
export async function showPlan(planning: PlanDependencies, incoming: Incoming): Promise<ExecutionReply> {
  const { clock } = planning
  const execution = newExecution(incoming, clock.now())
  const reply = replyOf(emptySnapshot(execution), clock.now())
  const thought = await think(planning, execution)
  if (thought.type === 'answer') {
    return { ...reply, result: { text: 'would be answered from the cache' }, method: 'cached' }
  }
  const unsealed = await weighWork(planning.planning, execution, thought.nodes, EMPTY, true)
  const { tasks, approvals, plan } = await sealPlan(planning.planning, unsealed)
  const steps = tasks.map(({ name, title, task_kind, level, spec, dependencies }) => ({
    name,
    title,
    kind: task_kind,
    level,
    after: dependencies.map((id) => tasks.find(({ task_id }) => task_id === id)?.name ?? id),
    spec,
  }))
  const lines = steps.map(
    ({ title, kind, level }, index) => `${index + 1}. ${title} (${kind}${level > 0 ? `, level ${level}` : ''})`,
  )
  const agreed = approvals.flatMap(({ actions }) => actions.map(({ summary, level, why }) => ({ summary, level, why })))
  const shown = { actions: stepsOf(unsealed.candidates), plan: screenOf(unsealed, approvals) }
  return {
    ...reply,
    method: thought.method,
    result: { text: lines.join('\n'), data: { steps, agreement: agreed, plan_hash: plan.plan_hash, ...shown } as Json },
  }
}
