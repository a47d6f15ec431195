/**
 * Thinks and plans for a stored execution. It needs the row alone, so a request, a timer and a restart take the same
 * path.
 */

import { type Bus, errorBody } from '@deed/mesh/bus'
import { crashPoint } from '@deed/process/crash-point'
import { Action } from '@deed/proto/action'
import { type CacheEntry, reserveCache } from '@deed/proto/cache'
import { DeedError, type ErrorBody } from '@deed/proto/errors'
import type { ExecutionRequest } from '@deed/proto/execution'
import type { Log } from '@deed/telemetry/logger'
import { count } from '@deed/telemetry/metrics'
import { inSpan } from '@deed/telemetry/span'
import { answeredInput } from '../cache/answer-from-cache.ts'
import type { CachedBefore } from '../cache/cached-before.ts'
import { type Capacity, slotRequestOf } from '../dispatch/capacity.ts'
import type { Driver } from '../dispatch/drive.ts'
import { aboutExecution } from '../execution/about-execution.ts'
import { onBehalfOf } from '../execution/on-behalf-of.ts'
import { type ExecutionRow, isAct, type TaskRow, type Work } from '../execution/snapshot.ts'
import { isCacheable, type Policy, paceOf } from '../policy/policy.ts'
import type { Input } from '../reconcile/input.ts'
import type { Clock } from '../store/clock.ts'
import type { GoalsOf } from '../store/goals.ts'
import type { IsFresh } from '../store/written-targets.ts'
import { inSameScope, scopeOf, think } from '../thinking/think.ts'
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

/** What thinking and planning lead to. Nothing of it is stored yet. */
export interface Prepared extends Planned {
  input: Input
  /** Gives up the room that is reserved for its first task, once that is leased or has to wait. */
  release(): void
}

/** Thinks and plans. @throws {DeedError} why there is no plan */
export function prepare(
  planning: PlanDependencies,
  execution: ExecutionRow,
  thinking: Promise<Thought> = think(planning, execution),
): Promise<Prepared> {
  return inSpan('plan', { parent: execution.trace }, ({ trace }) =>
    planFrom(planning, { ...execution, trace }, thinking),
  )
}

async function planFrom(
  planning: PlanDependencies,
  execution: ExecutionRow,
  thinking: Promise<Thought>,
): Promise<Prepared> {
  const thought = await thinking
  crashPoint('orchestrator.after_think')
  const { input, background, asks = false } = await planOf(planning, execution, thought)
  const planned = { input, background: background || isBackground(execution.request, thought), asks }
  const first = input.type === 'planned' ? beginningAtOnce(input.work) : []
  if (first.length === 0) return { ...planned, release: () => undefined }
  const paces = new Set(first.map((task) => (isAct(task) ? paceOf(planning.policy, task.spec) : 'long')))
  const [pace = 'long'] = paces.size === 1 ? paces : []
  const release = await planning.capacity.room({ capability: 'act', pace }, slotRequestOf(execution))
  return { ...planned, release }
}

/** Plans a stored execution: after its acceptance, or again after a crash. */
export async function planExecution(
  planning: PlanDependencies,
  execution: ExecutionRow,
  preparing: Promise<Prepared> = prepare(planning, execution),
): Promise<Planned> {
  const { driver, log } = planning
  try {
    const { input, release, ...planned } = await preparing
    await driver.apply(execution.execution_id, input).finally(release)
    return planned
  } catch (error) {
    // The resync retries what may work later; the promise holds.
    const body = failureOf(error)
    if (body.retryable) {
      log.warn({ err: error, ...aboutExecution(execution) }, 'planning is postponed')
      return { background: false }
    }
    if (body.code === 'internal') log.error({ err: error, ...aboutExecution(execution) }, 'planning failed')
    await driver
      .apply(execution.execution_id, { type: 'plan_failed', error: body, found: { method: 'error' } })
      .catch((cause: unknown) => log.error({ err: cause, ...aboutExecution(execution) }, 'storing a failure failed'))
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
    if (thought.entry.tier === 'exact') planning.cachedBefore.note(execution.tenant, scopeOf(execution.request))
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
    const hit = await reserve(planning, execution, thought.degraded)
    if (hit) {
      planning.cachedBefore.note(execution.tenant, scopeOf(execution.request))
      return { input: answeredInput(hit), background: false }
    }
  }
  for (const service of thought.degraded) count('deed_degraded_total', { service })
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
 * A cached answer must be proven: it cites an execution with the same request, or one with similar words, which only read and is done, and nothing
 * was written since to what it has read.
 */
async function isCitable(
  { driver, policy, isFresh, log }: PlanDependencies,
  { tenant, request, execution_id }: ExecutionRow,
  { value, similar }: CacheEntry,
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
      inSameScope(cited.request, request) &&
      (similar ? spaced(cited.request.task) === spaced(similar.text) : cited.request.task === request.task) &&
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

/** The cache keeps words with other spaces between them. */
const spaced = (words: string): string => words.normalize('NFC').trim().split(/\s+/).join(' ')

/** The answer that is known already. Equal concurrent reads compute once: the others get the first one's answer. */
async function reserve(
  planning: PlanDependencies,
  execution: ExecutionRow,
  degraded: string[],
): Promise<CacheEntry | undefined> {
  const { bus, log } = planning
  try {
    const reply = await bus.call(
      reserveCache,
      { ...scopeOf(execution.request), execution_id: execution.execution_id },
      { ...onBehalfOf(execution), patient: false },
    )
    const hit = reply.state === 'hit' && reply.entry.value.kind === 'answer' ? reply.entry : undefined
    return hit && (await isCitable(planning, execution, hit)) ? hit : undefined
  } catch (error) {
    log.warn(
      { err: error, ...aboutExecution(execution), without: reserveCache.owner },
      'continuing without a reservation',
    )
    if (!degraded.includes(reserveCache.owner)) degraded.push(reserveCache.owner)
    return undefined
  }
}

function isBackground(request: ExecutionRequest, thought: Thought): boolean {
  if (request.mode !== 'auto') return request.mode === 'background'
  return thought.type === 'solved' && thought.estimatedMs > IMMEDIATE_MS_MAX
}
