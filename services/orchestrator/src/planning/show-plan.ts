/** A dry run: what would be done, approved and verified. Nothing is stored. */
import type { Bus } from '@deed/mesh/bus'
import type { AgentTask } from '@deed/proto/agent'
import type { PlanScreen } from '@deed/proto/approval'
import type { ExecutionReply } from '@deed/proto/execution'
import { defined, type Json } from '@deed/proto/json'
import { estimateModels, type ModelEstimate } from '@deed/proto/model'
import type { Log } from '@deed/telemetry/logger'
import { replyOf } from '../answers/answer.ts'
import { aboutExecution } from '../execution/about-execution.ts'
import { isoTime } from '../execution/iso-time.ts'
import { emptySnapshot, type Incoming, newExecution } from '../execution/new-execution.ts'
import { onBehalfOf } from '../execution/on-behalf-of.ts'
import { openQuestion } from '../execution/person-task.ts'
import type { ExecutionRow } from '../execution/snapshot.ts'
import { think } from '../thinking/think.ts'
import type { Thought } from '../thinking/thought.ts'
import { refuseRequestAgainstGoals } from './contradictions.ts'
import type { PlanDependencies } from './plan-execution.ts'
import { EMPTY, weighWork } from './plan-work.ts'
import { screenOf, sealPlan, stepsOf } from './seal-plan.ts'

/** The maximum number of steps of a large graph that are shown, since a message is limited. */
const STEPS_SHOWN = 200

/** As many as one request about models may have. */
const TASKS_MAX = 500

/** @throws {DeedError} for what would be refused at execution */
export async function showPlan(planning: PlanDependencies, incoming: Incoming): Promise<ExecutionReply> {
  const { clock } = planning
  const execution = newExecution(incoming, clock.now())
  const reply = replyOf(emptySnapshot(execution), clock.now())
  const thought = await think(planning, execution)
  if (thought.type === 'answer') {
    return { ...reply, result: { text: 'would be answered from the cache' }, method: 'cached' }
  }
  await refuseRequestAgainstGoals(planning, execution, thought.nodes)
  const asked = thought.nodes.find(({ question }) => question)?.question
  if (asked) {
    const question = openQuestion(asked)
    const lines = question.options.map(({ reading }, index) => `${index + 1}. ${reading}`)
    return { ...reply, question, result: { text: [question.text, ...lines].join('\n') } }
  }
  const weighed = await weighWork(planning.planning, execution, thought.nodes, EMPTY, true)
  const unsealed = { ...weighed, estimate: await withSources(planning, execution, thought, weighed.estimate) }
  const { tasks, approvals, plan } = await sealPlan(planning.planning, unsealed)
  const names = new Map(tasks.map(({ task_id, name }) => [task_id, name]))
  const steps = tasks.slice(0, STEPS_SHOWN).map(({ name, title, task_kind, level, spec, dependencies }) => ({
    name,
    title,
    kind: task_kind,
    level,
    after: dependencies.map((id) => names.get(id) ?? id),
    spec,
  }))
  const lines = steps.map(
    ({ title, kind, level }, index) => `${index + 1}. ${title} (${kind}${level > 0 ? `, level ${level}` : ''})`,
  )
  if (tasks.length > steps.length) lines.push(`and ${tasks.length - steps.length} more`)
  const agreed = approvals
    .flatMap(({ actions }) => actions.map(({ summary, level, why }) => ({ summary, level, why })))
    .slice(0, STEPS_SHOWN)
  const { candidates } = unsealed
  const already = candidates.filter(({ action }) => action.observe_only)
  const reads = candidates.filter(({ action, effect }) => !action.observe_only && effect === 'read')
  const changes = candidates.filter(({ action, effect }) => !action.observe_only && effect !== 'read')
  const screen = screenOf(unsealed, approvals)
  const shown = {
    // If there are too many, changes come before steps that already hold.
    actions: stepsOf(
      candidates.length <= STEPS_SHOWN ? candidates : [...changes, ...reads, ...already].slice(0, STEPS_SHOWN),
    ),
    plan: { ...screen, steps: screen.steps.slice(0, STEPS_SHOWN) },
    counts: {
      tasks: tasks.length,
      steps: screen.steps.length,
      already_so: already.length,
      change: changes.length,
      read: reads.length,
      // Their actions are not known yet.
      open: tasks.filter(({ task_kind: kind }) => kind !== 'act' && kind !== 'approve').length,
    },
  }
  return {
    ...reply,
    method: thought.method,
    // The targets were inspected for this reply.
    seen_at: isoTime(clock.now()),
    age_ms: 0,
    result: { text: lines.join('\n'), data: { steps, agreement: agreed, plan_hash: plan.plan_hash, ...shown } as Json },
  }
}

type Estimate = NonNullable<PlanScreen['estimate']>

/** The estimate with who finds the actions, and what models cost that have yet to find some. */
async function withSources(
  { bus, log }: Pick<PlanDependencies, 'bus' | 'log'>,
  execution: ExecutionRow,
  { nodes, method }: Thought & { type: 'solved' },
  estimate: PlanScreen['estimate'] | undefined,
): Promise<Estimate> {
  const asks = nodes.flatMap(({ ask }) => ask ?? [])
  const solved = nodes.length - asks.length
  const fromCache = method === 'cached'
  const solved_by = { rules: fromCache ? 0 : solved, cache: fromCache ? solved : 0, models: asks.length }
  const models = asks.length === 0 ? undefined : await modelsFor(bus, log, execution, asks)
  const { time_ms, cost_usd } = estimate ?? { time_ms: 0, cost_usd: 0 }
  return { time_ms, cost_usd: cost_usd + (models?.cost_usd ?? 0), solved_by, ...defined({ models }) }
}

/** @returns undefined where nobody can say it now */
async function modelsFor(
  bus: Bus,
  log: Log,
  execution: ExecutionRow,
  asks: readonly AgentTask[],
): Promise<ModelEstimate | undefined> {
  const { budget_usd } = execution.request
  try {
    const request = { tasks: asks.slice(0, TASKS_MAX), ...defined({ budget_usd }) }
    return await bus.call(estimateModels, request, { ...onBehalfOf(execution), patient: false })
  } catch (error) {
    log.warn({ err: error, ...aboutExecution(execution) }, 'a plan is shown without what models would cost')
    return undefined
  }
}
