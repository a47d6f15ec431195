/** Teaches the cache, the templates and the agent from an ended execution. Only verified results are learned. */

import type { Bus } from '@deed/mesh/bus'
import { Solution } from '@deed/proto/agent'
import { judgeCache, putCache, releaseCache } from '@deed/proto/cache'
import { learnSentence, unlearnSentence } from '@deed/proto/rules'
import { recordTemplate } from '@deed/proto/template'
import type { Log } from '@deed/telemetry/logger'
import { aboutExecution } from '../execution/about-execution.ts'
import { onBehalfOf } from '../execution/on-behalf-of.ts'
import { isAct, isSolve, type Snapshot, type TaskRow } from '../execution/snapshot.ts'
import { isCacheable, type Policy } from '../policy/policy.ts'
import { scopeOf } from '../thinking/think.ts'
import type { CachedBefore } from './cached-before.ts'
import { disprovenWords, heldAsBefore, lessonsOf } from './teach-agent.ts'

interface Dependencies {
  bus: Bus
  log: Log
  policy: Policy
  cachedBefore: CachedBefore
}

/** Never rejects: a lost lesson only costs time later. */
export async function learn({ bus, log, policy, cachedBefore }: Dependencies, snapshot: Snapshot): Promise<void> {
  const { execution, tasks } = snapshot
  // A manifest's task text is a name, and its author chose the parts.
  if (execution.request.manifest) return
  // Not a part of the trace: it has ended, and nobody waits for this.
  const options = { ...onBehalfOf(execution), trace: undefined }
  const scope = scopeOf(execution.request)
  const acts = [...tasks.values()].filter(isAct)
  // What a person chose holds for this execution; the same words may mean something else the next time.
  const asked = [...tasks.values()].some(({ task_kind }) => task_kind === 'choose')
  const cacheable = isCacheable(
    policy,
    acts.map(({ spec }) => spec),
  )
  const lessons: Promise<unknown>[] = []
  const evidence = acts.flatMap(({ verification }) => (verification === null ? [] : [verification]))
  const proven = execution.status === 'done' && execution.task_verified
  if (cacheable && proven && !asked && execution.result !== null && evidence.length > 0) {
    const { execution_id, template_used, model_used, result } = execution
    const value = { kind: 'answer' as const, result, evidence, execution_id, template_used, model_used }
    lessons.push(bus.call(putCache, { ...scope, value }, options))
    cachedBefore.note(execution.tenant, scope)
  } else if (cacheable) {
    lessons.push(bus.call(releaseCache, { ...scope, execution_id: execution.execution_id }, options))
  }
  const solution = proven && !asked && execution.method === 'llm_assisted' ? soleSolution(tasks) : undefined
  if (solution) {
    const value = {
      kind: 'solution' as const,
      solution,
      execution_id: execution.execution_id,
      model_used: execution.model_used,
    }
    lessons.push(bus.call(putCache, { ...scope, value }, options))
  }
  const held = heldAsBefore(snapshot)
  if (held !== undefined) lessons.push(bus.call(judgeCache, { ...scope, held }, options))
  if (execution.template_used !== null && execution.method !== 'cached' && isVerdict(execution.status)) {
    lessons.push(
      bus.call(
        recordTemplate,
        {
          template_id: execution.template_used,
          ...(execution.template_version === null ? {} : { template_version: execution.template_version }),
          execution_id: execution.execution_id,
          task: execution.request.task,
          metrics: {
            success: proven,
            time_ms: Math.max(0, Date.parse(execution.finished_at ?? '') - Date.parse(execution.created_at)),
            cost_usd: execution.cost_microusd / 1_000_000,
          },
        },
        options,
      ),
    )
  }
  const { execution_id } = execution
  if (proven) {
    for (const lesson of lessonsOf(snapshot)) {
      lessons.push(bus.call(learnSentence, { execution_id, ...lesson }, options))
    }
  } else {
    for (const task of disprovenWords(snapshot))
      lessons.push(bus.call(unlearnSentence, { execution_id, task }, options))
  }
  for (const lesson of await Promise.allSettled(lessons)) {
    if (lesson.status === 'rejected') {
      log.warn({ err: lesson.reason, ...aboutExecution(execution) }, 'learning from an outcome failed')
    }
  }
}

/** A denial or a cancellation says nothing about the template. */
const isVerdict = (status: string): boolean => ['done', 'failed', 'rolled_back', 'rollback_failed'].includes(status)

function soleSolution(tasks: ReadonlyMap<string, TaskRow>): Solution | undefined {
  const solves = [...tasks.values()].filter(isSolve)
  // What took the place of one action that failed is no solution of the whole.
  if (solves.some(({ spec }) => spec.failed_plan)) return undefined
  const parsed = Solution.safeParse(solves.length === 1 ? solves[0]?.result?.data : undefined)
  return parsed.success ? parsed.data : undefined
}
