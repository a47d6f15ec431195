/**
 * Thinks and plans for a stored execution. It needs the row alone, so a request, a timer and a restart take the same
 * path.
 */
import { hashJson } from '@deed/json/canonical-json'
import { type Bus, errorBody } from '@deed/mesh/bus'
import { crashPoint } from '@deed/process/crash-point'
import { Action } from '@deed/proto/action'
import { type CacheEntry, reserveCache } from '@deed/proto/cache'
import { DeedError, type ErrorBody } from '@deed/proto/errors'
import type { ExecutionRequest } from '@deed/proto/execution'
import type { Log } from '@deed/telemetry/logger'
import { answeredInput } from '../cache/answer-from-cache.ts'
import type { CachedBefore } from '../cache/cached-before.ts'
import { type Capacity, slotRequestOf } from '../dispatch/capacity.ts'
import type { Driver } from '../dispatch/drive.ts'
import { onBehalfOf } from '../execution/on-behalf-of.ts'
import { type ExecutionRow, isAct, type TaskRow, type Work } from '../execution/snapshot.ts'
import { isCacheable, isPromptRead, type Policy } from '../policy/policy.ts'
import type { Input } from '../reconcile/input.ts'
import type { Clock } from '../store/clock.ts'
import type { GoalsOf } from '../store/goals.ts'
import type { IsFresh } from '../store/written-targets.ts'
import { scopeOf, think } from '../thinking/think.ts'
import type { Thought } from '../thinking/thought.ts'
import { refuseRequestAgainstGoals } from './contradictions.ts'
import { type Planning, planWork } from './plan-work.ts'
import type { PlanningLane } from './planning-lane.ts'
import { asksPeople, foundBy, questionsOf } from './questions.ts'

/** A plan with a longer estimate runs in the background, unless the request says otherwise. */
const IMMEDIATE_MS_MAX = 30_000

export interface PlanDependencies {
  bus: Bus
  log: Log
  clock: Clock
  policy: Policy
  planning: Planning
  driver: Driver
  capacity: Capacity
  cachedBefore: CachedBefore
  lane: PlanningLane
  isFresh: IsFresh
  goals: GoalsOf
}

export interface Planned {
  /** A waiting caller is answered at once, and the work continues. */
  background: boolean
  /** A waiting caller is answered at once, with the question. */
  asks?: boolean
}

/** Thinks and plans for a stored execution: after its acceptance, or again after a crash. */
export async function planExecution(
  planning: PlanDependencies,
  execution: ExecutionRow,
  thinking: Promise<Thought> = think(planning, execution),
): Promise<Planned> {
  const { driver, log } = planning
  try {
    const thought = await thinking
    crashPoint('orchestrator.after_think')
    const { input, background, asks = false } = await planOf(planning, execution, thought)
    const store = (): Promise<unknown> => driver.apply(execution.execution_id, input)
    const first = input.type === 'planned' ? beginningAtOnce(input.work) : []
    if (first.length > 0) {
      const reads = first.every((task) => isAct(task) && isPromptRead(planning.policy, task.spec))
      const release = await planning.capacity.room({ capability: 'act', reads }, slotRequestOf(execution))
      await store().finally(release)
    } else await store()
    return { background: background || isBackground(execution.request, thought), asks }
  } catch (error) {
    // The resync retries what may work later; the promise holds.
    const body = failureOf(error)
    if (body.retryable) {
      log.warn({ err: error, execution_id: execution.execution_id }, 'planning is postponed')
      return { background: false }
    }
    if (body.code === 'internal') log.error({ err: error, execution_id: execution.execution_id }, 'planning failed')
    await driver
      .apply(execution.execution_id, { type: 'plan_failed', error: body, found: { method: 'error' } })
      .catch((cause: unknown) =>
        log.error({ err: cause, execution_id: execution.execution_id }, 'storing a failure failed'),
      )
    return { background: false }
  }
}

const beginningAtOnce = ({ tasks }: Work): TaskRow[] =>
  tasks.filter(({ task_kind, dependencies }) => task_kind === 'act' && dependencies.length === 0)

/** A bug is not retried forever: its execution fails, and the log says why. */
function failureOf(error: unknown): ErrorBody {
  const body = errorBody(error)
  if (body.code !== 'internal') return body
  return { code: 'internal', message: 'an internal error occurred; see the log of the orchestrator', retryable: false }
}

async function planOf(
  planning: PlanDependencies,
  execution: ExecutionRow,
  thought: Thought,
): Promise<{ input: Input; background: boolean; asks?: boolean }> {
  if (thought.type === 'answer') {
    if (!(await isCitable(planning, execution, thought.entry)))
      return planOf(planning, execution, await think(planning, execution, { remembered: false }))
    planning.cachedBefore.note(execution.tenant, scopeOf(execution.request))
    return { input: answeredInput(thought.entry), background: false }
  }
  const { policy } = planning
  const { permanent = false, agree } = thought
  const forGoal = permanent || agree !== undefined
  const asks = asksPeople(thought.nodes)
  const [work] = await Promise.all([
    asks
      ? questionsOf(planning.planning, execution, thought.nodes)
      : planWork(permanent ? { ...planning.planning, permanent } : planning.planning, execution, thought.nodes),
    forGoal ? undefined : refuseRequestAgainstGoals(planning, execution, thought.nodes),
  ])
  agree?.(work)
  const actions = thought.nodes.flatMap(({ solution }) => solution?.actions ?? [])
  const cacheable =
    !execution.request.manifest &&
    actions.length > 0 &&
    actions.every(({ action }) => policy.kinds[action.kind]?.cacheable === true)
  if (cacheable && thought.nodes.every(({ solution }) => solution !== undefined)) {
    const hit = await reserve(planning, execution)
    if (hit) return { input: answeredInput(hit), background: false }
  }
  return {
    input: {
      type: 'planned',
      work,
      found: { ...foundBy(thought.nodes), method: thought.method, degraded: thought.degraded },
    },
    asks,
    background: work.approvals.length > 0 && execution.request.mode === 'background',
  }
}

/**
 * A cached answer must be proven: it cites an execution with the same request, which only read and is done, and nothing
 * was written since to what it has read.
 */
async function isCitable(
  { driver, policy, isFresh, log }: PlanDependencies,
  { tenant, request, execution_id }: ExecutionRow,
  { value }: CacheEntry,
): Promise<boolean> {
  try {
    const [{ execution: cited, tasks }, fresh] = await Promise.all([
      driver.peek(value.execution_id),
      isFresh(value.execution_id),
    ])
    if (!fresh) return false
    const acts = [...tasks.values()].filter(({ task_kind }) => task_kind === 'act')
    if (
      cited.tenant === tenant &&
      cited.status === 'done' &&
      cited.task_verified &&
      // Words and actions of a pruned execution no longer exist.
      hashJson(scopeOf(cited.request)) === hashJson(scopeOf(request)) &&
      isCacheable(
        policy,
        acts.map(({ spec }) => Action.parse(spec)),
      )
    )
      return true
  } catch (error) {
    if (!(error instanceof DeedError) || error.code !== 'not_found') throw error
  }
  log.warn({ execution_id, cited: value.execution_id }, 'a cached answer is not proven by the execution that it cites')
  return false
}

/** Equal concurrent reads compute once: the others get the first one's answer. */
async function reserve(
  { bus, isFresh, log }: PlanDependencies,
  execution: ExecutionRow,
): Promise<CacheEntry | undefined> {
  try {
    const reply = await bus.call(
      reserveCache,
      { ...scopeOf(execution.request), execution_id: execution.execution_id },
      { ...onBehalfOf(execution), patient: false },
    )
    const hit = reply.state === 'hit' && reply.entry.value.kind === 'answer' ? reply.entry : undefined
    return hit && (await isFresh(hit.value.execution_id)) ? hit : undefined
  } catch (error) {
    log.warn({ err: error, execution_id: execution.execution_id }, 'continuing without a reservation')
    return undefined
  }
}

function isBackground(request: ExecutionRequest, thought: Thought): boolean {
  if (request.mode !== 'auto') return request.mode === 'background'
  return thought.type === 'solved' && thought.estimatedMs > IMMEDIATE_MS_MAX
}
