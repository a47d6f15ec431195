/**
 * What follows an end: the answers to whoever waits, then what the cache and the templates learn
 * from it. All of it may happen twice, since a replica that dies here leaves it to another.
 */
import type { Bus } from '@deed/mesh/bus'
import type { Action } from '@deed/proto/action'
import { Solution } from '@deed/proto/agent'
import { putCache, releaseCache } from '@deed/proto/cache'
import type { ExecutionId } from '@deed/proto/ids'
import { recordTemplate } from '@deed/proto/template'
import { batched } from '@deed/store/batched'
import type { Log } from '@deed/telemetry/logger'
import { replyOf } from './answer.ts'
import { isCacheable } from './plan-execution.ts'
import type { Policy } from './policy.ts'
import type { Snapshot, TaskRow } from './snapshot.ts'
import type { Database } from './store/schema.ts'
import type { Waiter } from './store/transitions.ts'
import { scopeOf } from './think.ts'
import type { Waiters } from './waiters.ts'

export interface Settling {
  db: Database
  bus: Bus
  log: Log
  policy: Policy
  waiters: Waiters
}

export interface Settler {
  settle(snapshot: Snapshot, waiting: readonly Waiter[]): Promise<void>
  /** A waiter has had its answer without the execution having ended. */
  dismiss(waiterId: string): Promise<void>
}

export function openSettler({ db, bus, log, policy, waiters }: Settling): Settler {
  // Not a promise: what is lost here is done again.
  const markSettled = batched(async (ids: ExecutionId[]): Promise<undefined[]> => {
    await db.query(
      'orchestrator.settled',
      `with relaxed as (select set_config('synchronous_commit', 'off', true)),
         gone as (delete from waiters where execution_id = any($1::uuid[]))
       update executions set settled = true from relaxed where execution_id = any($1::uuid[])`,
      [ids],
    )
    return ids.map(() => undefined)
  })
  const dismiss = batched(async (ids: string[]): Promise<undefined[]> => {
    await db.query('orchestrator.dismiss', `delete from waiters where waiter_id = any($1::bigint[])`, [ids])
    return ids.map(() => undefined)
  })
  return {
    async settle(snapshot, waiting) {
      const { execution } = snapshot
      const reply = replyOf(snapshot, Date.parse(execution.finished_at ?? execution.created_at))
      for (const { reply_to } of waiting) waiters.answer(reply_to, reply)
      waiters.forget(execution.execution_id)
      log.info(
        {
          execution_id: execution.execution_id,
          trace_id: reply.trace_id,
          status: execution.status,
          method: execution.method,
          duration_ms: reply.metrics.time_ms,
        },
        'execution ended',
      )
      await learn({ bus, log, policy }, snapshot)
      await markSettled(execution.execution_id)
    },
    async dismiss(waiterId) {
      await dismiss(waiterId)
    },
  }
}

async function learn(
  { bus, log, policy }: Pick<Settling, 'bus' | 'log' | 'policy'>,
  snapshot: Snapshot,
): Promise<void> {
  const { execution, tasks } = snapshot
  const options = { principal: { tenant: execution.tenant, user: execution.user_name }, trace: execution.trace }
  const scope = scopeOf(execution.request)
  const acts = [...tasks.values()].filter(({ task_kind }) => task_kind === 'act')
  const cacheable = isCacheable(
    policy,
    acts.map(({ spec }) => spec as unknown as Action),
  )
  const lessons: Promise<unknown>[] = []
  const evidence = acts.flatMap(({ verification }) => (verification === null ? [] : [verification]))
  if (cacheable && execution.status === 'done' && execution.result !== null && evidence.length > 0) {
    const { execution_id, template_used, model_used, result } = execution
    const value = { kind: 'answer' as const, result, evidence, execution_id, template_used, model_used }
    lessons.push(bus.call(putCache, { ...scope, value }, options))
  } else if (cacheable) {
    lessons.push(bus.call(releaseCache, { ...scope, execution_id: execution.execution_id }, options))
  }
  const solution = execution.status === 'done' && execution.method === 'llm_assisted' ? soleSolution(tasks) : undefined
  if (solution) {
    const value = {
      kind: 'solution' as const,
      solution,
      execution_id: execution.execution_id,
      model_used: execution.model_used,
    }
    lessons.push(bus.call(putCache, { ...scope, value }, options))
  }
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
            success: execution.status === 'done',
            time_ms: Math.max(0, Date.parse(execution.finished_at ?? '') - Date.parse(execution.created_at)),
            cost_usd: execution.cost_microusd / 1_000_000,
          },
        },
        options,
      ),
    )
  }
  for (const lesson of await Promise.allSettled(lessons)) {
    if (lesson.status === 'rejected') {
      log.warn({ err: lesson.reason, execution_id: execution.execution_id }, 'an outcome was not learned from')
    }
  }
}

/** A denial or a cancellation says nothing of the template. */
const isVerdict = (status: string): boolean => ['done', 'failed', 'rolled_back', 'rollback_failed'].includes(status)

function soleSolution(tasks: ReadonlyMap<string, TaskRow>): Solution | undefined {
  const solves = [...tasks.values()].filter(({ task_kind }) => task_kind === 'solve')
  const parsed = Solution.safeParse(solves.length === 1 ? solves[0]?.result?.data : undefined)
  return parsed.success ? parsed.data : undefined
}
