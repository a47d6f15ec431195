import { errorBody, type Handler } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import type { ExecutionId, Principal } from '@deed/proto/ids'
import type { steerExecutions as contract, SteerResult } from '@deed/proto/steering'
import type { z } from 'zod'
import { refuseWhatGoalsKeep } from '../goals/undo-against-goals.ts'
import { retryExecution } from '../planning/agree-again.ts'
import { refuseWhatCannot } from '../planning/plan-rollback.ts'
import { type RollingBack, rollBack } from '../planning/roll-back.ts'
import type { Input } from '../reconcile/input.ts'
import { findExecution, selectExecutions } from '../store/executions.ts'
import { joinExecution } from './join-execution.ts'

type Wish = Omit<z.output<typeof contract.input>, 'execution_ids'>

/**
 * The statuses in which a verb applies; executions that are named explicitly are steered, or refused, in any status.
 */
const APPLIES = {
  pause: ['planning', 'waiting', 'running'],
  resume: ['paused'],
  cancel: ['planning', 'waiting', 'running', 'paused'],
  retry: ['failed', 'cancelled', 'rolled_back'],
  rollback: ['done', 'failed', 'denied', 'cancelled', 'rollback_failed'],
} as const

export function steerExecutions(steering: RollingBack): Handler<typeof contract> {
  const { db, driver } = steering
  const steer = async (id: ExecutionId, wish: Wish, principal: Principal): Promise<SteerResult> => {
    const executionId = await findExecution(db, principal, { executionId: id })
    const { verb, dry_run: dryRun } = wish
    const reason = wish.reason ?? null
    if (verb === 'rollback') {
      const snapshot = await driver.read(executionId)
      const { status, level, steps, approvalId } = await rollBack(steering, principal, snapshot, {
        dryRun,
        reason,
        pauseGoals: wish.pause_goals,
      })
      refuseWhatCannot(steps)
      return { execution_id: id, status, level, ...(approvalId === null ? {} : { approval_id: approvalId }) }
    }
    if (!dryRun && verb === 'cancel' && wish.undo) {
      await refuseWhatGoalsKeep(steering, principal, executionId, wish.pause_goals)
    }
    if (dryRun) return { execution_id: id, status: (await driver.read(executionId)).execution.status }
    const { execution } =
      verb === 'retry'
        ? await retryExecution(steering, executionId, principal, reason)
        : await driver.apply(executionId, inputOf(verb, wish, principal))
    return { execution_id: id, status: execution.status }
  }
  return async ({ execution_ids: ids, ...wish }, { principal, served, log }) => {
    const { verb, template, target, all, limit, cursor } = wish
    if ((ids ?? template ?? target ?? all) === undefined) {
      throw new DeedError(
        'invalid_request',
        'give execution_ids, template, target, or all: which executions to steer',
        { path: '$' },
      )
    }
    const found =
      ids ?? (await selectExecutions(db, principal, APPLIES[verb], { template, target, limit: limit + 1, cursor }))
    const chosen = ids ?? found.slice(0, limit)
    const results: SteerResult[] = []
    // One after the other: the newest is undone before what it depends on.
    for (const id of chosen) {
      try {
        results.push(await steer(id, wish, principal))
        if (!wish.dry_run) await joinExecution(served, driver, id)
      } catch (error) {
        const body = errorBody(error)
        if (body.code === 'internal') log.error({ err: error, execution_id: id }, 'steering failed')
        results.push({ execution_id: id, error: body })
      }
    }
    return { results, next_cursor: found.length > chosen.length ? (chosen.at(-1) ?? null) : null }
  }
}

function inputOf(
  verb: Exclude<Wish['verb'], 'retry' | 'rollback'>,
  { undo, reason: given }: Wish,
  { user: by }: Principal,
): Input {
  const reason = given ?? null
  switch (verb) {
    case 'cancel':
      return { type: 'cancelled', reason, undo, by }
    case 'pause':
      return { type: 'paused', reason, by }
    case 'resume':
      return { type: 'resumed', reason, by }
  }
}
