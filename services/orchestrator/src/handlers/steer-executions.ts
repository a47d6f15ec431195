import { type Bus, errorBody, type Handler } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import type { steerExecutions as contract, SteerResult } from '@deed/proto/execution'
import type { ExecutionId, Principal } from '@deed/proto/ids'
import type { z } from 'zod'
import type { Driver } from '../drive.ts'
import { retryExecution } from '../planning/agree-again.ts'
import { planRollback, refuseWhatCannot } from '../planning/plan-rollback.ts'
import type { Planning } from '../planning/plan-work.ts'
import type { Input } from '../reconcile/input.ts'
import { findExecution, selectExecutions } from '../store/executions.ts'
import type { Database } from '../store/schema.ts'

interface Dependencies {
  db: Database
  bus: Bus
  driver: Driver
  planning: Planning
}

type Wish = Omit<z.output<typeof contract.input>, 'execution_ids'>

/** Where a verb applies at all; what is named is steered, or refused, wherever it is. */
const APPLIES = {
  pause: ['planning', 'waiting', 'running'],
  resume: ['paused'],
  cancel: ['planning', 'waiting', 'running', 'paused'],
  retry: ['failed', 'cancelled', 'rolled_back'],
  rollback: ['done', 'failed', 'denied', 'cancelled', 'rollback_failed'],
} as const

export function steerExecutions({ db, bus, driver, planning }: Dependencies): Handler<typeof contract> {
  const steer = async (id: ExecutionId, wish: Wish, principal: Principal): Promise<SteerResult> => {
    const executionId = await findExecution(db, principal, { executionId: id })
    const snapshot = wish.dry_run || wish.verb === 'rollback' ? await driver.read(executionId) : undefined
    if (snapshot && wish.verb === 'rollback') {
      const looking = { taskId: undefined, withDependents: false, mayBeBlind: !wish.dry_run }
      const { steps } = await planRollback(bus, principal, snapshot, looking)
      refuseWhatCannot(steps)
    }
    if (snapshot && wish.dry_run) return { execution_id: id, status: snapshot.execution.status }
    const { execution } =
      wish.verb === 'retry'
        ? await retryExecution({ driver, planning }, executionId, principal, wish.reason ?? null)
        : await driver.apply(executionId, inputOf(wish.verb, wish, principal))
    return { execution_id: id, status: execution.status }
  }
  return async ({ execution_ids: ids, ...wish }, { principal, log }) => {
    const { verb, template, target, all, limit, cursor } = wish
    if ((ids ?? template ?? target ?? all) === undefined) {
      throw new DeedError('invalid_request', 'say which: execution_ids, template, target, or all', { path: '$' })
    }
    const found =
      ids ?? (await selectExecutions(db, principal, APPLIES[verb], { template, target, limit: limit + 1, cursor }))
    const chosen = ids ?? found.slice(0, limit)
    const results: SteerResult[] = []
    // One after the other: the newest is taken back before what it rests on.
    for (const id of chosen) {
      try {
        results.push(await steer(id, wish, principal))
      } catch (error) {
        const body = errorBody(error)
        if (body.code === 'internal') log.error({ err: error, execution_id: id }, 'steering failed')
        results.push({ execution_id: id, error: body })
      }
    }
    return { results, next_cursor: found.length > chosen.length ? (chosen.at(-1) ?? null) : null }
  }
}

function inputOf(verb: Exclude<Wish['verb'], 'retry'>, { undo, reason: given }: Wish, { user: by }: Principal): Input {
  const reason = given ?? null
  switch (verb) {
    case 'cancel':
      return { type: 'cancelled', reason, undo, by }
    case 'rollback':
      return { type: 'rolled_back', reason, by }
    case 'pause':
      return { type: 'paused', reason, by }
    case 'resume':
      return { type: 'resumed', reason, by }
  }
}
