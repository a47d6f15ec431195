/** How a step changes the model of the core. After every step, the invariants are checked. */
import { DeedError, type ErrorBody } from '@deed/proto/errors'
import type { FencingToken } from '@deed/proto/ids'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { expect } from 'vitest'
import { type Draft, draftOf, hasChanged } from '../../src/execution/draft.ts'
import { emptySnapshot } from '../../src/execution/new-execution.ts'
import { expiryOf } from '../../src/execution/person-task.ts'
import type { Snapshot } from '../../src/execution/snapshot.ts'
import type { Input } from '../../src/reconcile/input.ts'
import { reconcile } from '../../src/reconcile/reconcile.ts'
import type { Plan, Step } from './history.ts'
import { agreedAgain, answerTo, asked, inputOf } from './inputs.ts'
import {
  checkAnswers,
  checkAuditRows,
  checkFinal,
  checkLeases,
  checkNothingLeft,
  checkOneEffect,
  checkProgress,
  checkRefused,
  checkRows,
  checkWritten,
} from './invariants.ts'
import { chosen, limitsOf, type Model, running } from './model.ts'
import { execution, reportOf, START, workOf } from './rows.ts'

export function begin(plan: Plan): Model {
  const snapshot = emptySnapshot(execution(plan.ask))
  const model: Model = {
    ...{
      snapshot,
      now: START,
      audit: [],
      attempts: [],
      checkAt: START,
      overdue: false,
      stopped: false,
      effects: new Map(),
      begun: new Map(),
      spent: new Set(),
      count: 0,
    },
    ...{ slots: 9, keyFree: true, rateOpen: true, policy: 1, autoRollback: plan.autoRollback },
  }
  apply(model, { type: 'planned', work: workOf(plan), found: { method: 'autonomous' } })
  return model
}

/** @returns the code of the refusal, where the step is refused */
export function take(model: Model, step: Step): ErrorBody['code'] | undefined {
  if (step.op === 'work') {
    for (let time = 0; time < step.times; time++) take(model, { op: 'report', pick: 0, verdict: 'done' })
    return undefined
  }
  // Two effects of one millisecond have no order.
  model.now += step.op === 'tick' ? step.ms : 1
  model.count++
  const input = inputOf(model, step)
  return input && apply(model, input)
}

/** As the driver does it: where the input is refused, the rows stay as they were. */
function apply(model: Model, input: Input): ErrorBody['code'] | undefined {
  const was = model.snapshot
  const [draft, twin] = [draftOf(structuredClone(was), model.now), draftOf(structuredClone(was), model.now)]
  // The very same input for both: where a commit is refused, the input is applied once more.
  const applyToTwin = () => reconcile(twin, input, limitsOf(model, twin))
  try {
    reconcile(draft, input, limitsOf(model, draft))
  } catch (error) {
    if (!(error instanceof DeedError)) throw error
    expect(applyToTwin).toThrow(error.message)
    checkRefused(model, input, error)
    return error.code
  }
  applyToTwin()
  expect(twin).toEqual(draft)
  const before = input.type === 'reported' ? was.tasks.get(input.report.task_id) : undefined
  if (input.type === 'reported' && before) {
    expect(before.token).toBe(input.report.token)
    // Reported before: the answer was lost.
    if (before.actual_status !== 'in_progress') expect(draft.tasks.get(before.task_id)?.result).toEqual(before.result)
  }
  if (input.type === 'retried') model.stopped = false
  noteEffects(model, was, draft)
  checkOneEffect(model, was, draft, input)
  checkLeases(model, was, draft, input)
  checkAnswers(was, draft, input)
  checkWritten(was, draft)
  checkAuditRows(was, draft)
  checkRows(draft)
  checkProgress(draft)
  checkFinal(was, draft, input)
  for (const { task, token, intent, again } of draft.leases)
    if (!again) model.attempts.push({ taskId: task.task_id, token, intent })
  const { execution, tasks, approvals, parts, plans, progress } = draft
  model.snapshot = { execution, tasks, approvals, parts, plans, progress }
  if (input.type === 'cancelled' && execution.ending === 'cancelled') model.stopped = true
  model.audit.push(...draft.audit)
  if (hasChanged(draft) || input.type === 'tick') model.checkAt = Date.parse(execution.next_check_at)
  if (input.type === 'tick') model.overdue = false
  if (!model.overdue) checkNothingLeft(model)
  return undefined
}

/** What runs may have had its effect at any time from when it was handed out to when it ended. */
function noteEffects(model: Model, was: Snapshot, draft: Draft): void {
  const { effects, begun, count } = model
  for (const task of draft.tasks.values()) {
    const { task_id: id, effect } = task
    const old = was.tasks.get(id)
    const ended =
      old?.actual_status === 'in_progress' && old.intent === 'do' && old.lease_expires_at !== task.lease_expires_at
    if (effect === 'none') effects.delete(id)
    else if (ended) effects.set(id, { from: effects.get(id)?.from ?? begun.get(id) ?? count, to: count })
  }
  for (const { task, intent, again } of draft.leases) if (!again && intent === 'do') begun.set(task.task_id, count)
}

const ROUNDS_MAX = 200

/**
 * Every attempt succeeds and there is room for all; time jumps to when the tables say that somebody looks.
 *
 * @param peopleCome whether people agree, provide, and have what is stuck tried again; else each of them is asked, once
 */
export function bringToRest(model: Model, peopleCome: boolean): void {
  Object.assign(model, { slots: 99, keyFree: true, rateOpen: true })
  take(model, { op: 'steer', wish: 'resumed' })
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const { snapshot } = model
    if (FINAL_EXECUTION_STATUSES.has(snapshot.execution.status)) return
    const [task] = running(snapshot)
    if (task) {
      take(
        model,
        task.intent === 'solve'
          ? { op: 'solution', pick: 0, acts: 1, approval: false }
          : { op: 'report', pick: 0, verdict: 'done' },
      )
      continue
    }
    const wanted = asked(snapshot)
    if (!peopleCome && wanted.length > 0) {
      if (snapshot.execution.status === 'waiting') return
    } else if (peopleCome && wanted[0] && (expiryOf(wanted[0]) ?? Number.POSITIVE_INFINITY) > model.now + 1) {
      // What has expired is answered by nobody; the next check ends it.
      model.now++
      apply(model, agreedAgain(model, answerTo(model, wanted[0])))
      continue
    }
    take(model, { op: 'tick', ms: Math.max(1, model.checkAt - model.now) })
  }
  const { execution: one, tasks } = model.snapshot
  throw new Error(`still ${one.status} after ${ROUNDS_MAX} rounds: ${JSON.stringify([...tasks.values()], null, 1)}`)
}

/**
 * Everything succeeds. At each step one of those that run reports, as `order` has it, and so does one that has reported
 * before. @returns the tables, without times, ids and what depends on them
 */
export function playedOut(plan: Plan, order: number[]): unknown {
  const model = begin({ ...plan, autoRollback: true })
  const turns = [...order]
  for (let round = 0; round < ROUNDS_MAX && !FINAL_EXECUTION_STATUSES.has(model.snapshot.execution.status); round++) {
    const turn = turns.shift() ?? 0
    const runs = running(model.snapshot)
    const [wanted] = asked(model.snapshot)
    model.now++
    const before = chosen(
      model.attempts.filter((one) => !runs.some(({ task_id }) => task_id === one.taskId)),
      turn,
    )
    if (before && turn > 0) apply(model, { type: 'reported', report: reportOf(before, 'failed', model.now) })
    const task = chosen(runs, turn)
    if (task) {
      const attempt = { taskId: task.task_id, token: task.token as FencingToken, intent: task.intent }
      apply(model, { type: 'reported', report: reportOf(attempt, 'done', model.now) })
    } else if (wanted) apply(model, answerTo(model, wanted))
    else take(model, { op: 'tick', ms: Math.max(1, model.checkAt - model.now) })
  }
  const { execution: one, tasks } = model.snapshot
  return [
    one.status,
    ...[...tasks.values()].map(({ name, actual_status, token, effect }) => ({ name, actual_status, token, effect })),
  ]
}
