/**
 * The periodic check for everything that is due: it alone would bring every execution to its end; events only make that
 * faster.
 */
import { every, type Periodic } from '@deed/process/every'
import type { ExecutionId } from '@deed/proto/ids'
import { CAPABILITIES, FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { replyOf } from '../answers/answer.ts'
import type { FollowUp } from '../answers/follow-up.ts'
import type { Waiters } from '../answers/waiters.ts'
import { slotRequestOf } from '../dispatch/capacity.ts'
import { endExecutionSpan } from '../dispatch/trace-transitions.ts'
import type { GoalsAndSchedules } from '../goals/run-goals-and-schedules.ts'
import { thoughtForGoal } from '../goals/start-for-goal.ts'
import { type PlanDependencies, planExecution, prepare } from '../planning/plan-execution.ts'
import { markGone, readResyncState } from '../store/agents.ts'
import { claimDue } from '../store/due.ts'
import { addHeldChanges } from '../store/held-counts.ts'
import type { Database } from '../store/schema.ts'
import type { Waiter } from '../store/transitions.ts'

const EVERY_MS = 1_000
const DUE_MAX = 500
const LATE_MAX = 500
/** An end that nobody has followed up on for this long was not recorded as a span either, in milliseconds. */
const UNSAID_MS = 5_000

export interface Resyncing extends PlanDependencies {
  db: Database
  followUps: FollowUp
  waiters: Waiters
  goalsAndSchedules: GoalsAndSchedules
}

/** Disposing waits for the running check. */
export const startResync = (resyncing: Resyncing): Periodic =>
  every(EVERY_MS, () => resyncOnce(resyncing), { failed: 'resync failed', log: resyncing.log, firstMs: 0 })

async function resyncOnce(resyncing: Resyncing): Promise<void> {
  const { db, driver, clock, capacity, log } = resyncing
  const askedAt = performance.now()
  const [seen, due] = await Promise.all([readResyncState(db, LATE_MAX), claimDue(db, DUE_MAX)])
  clock.set(seen.now_ms, askedAt)
  const running = seen.running ?? []
  driver.keepOnly(new Set(running.map(({ task_id }) => task_id)), askedAt)
  const mine = driver.handedOut()
  for (const capability of CAPABILITIES) {
    const elsewhere = running.filter((task) => task.capability === capability && !mine.has(task.task_id)).length
    capacity.announce(capability, seen.slots?.[capability] ?? 0, elsewhere)
  }
  if (seen.silent) await markGone(db)
  if (seen.heldChanges) await addHeldChanges(db)
  if (seen.goalsAndSchedules) resyncing.goalsAndSchedules.wake()
  // What is planned here, or waits for that, needs no check.
  const others = due.filter((id) => !resyncing.lane.has(id))
  await Promise.all([
    ...others.map((id) =>
      checkExecution(resyncing, id).catch((error: unknown) =>
        log.warn({ err: error, execution_id: id }, 'check failed'),
      ),
    ),
    ...(seen.late ?? []).map((waiter) =>
      answerLate(resyncing, { ...waiter, execution_id: waiter.execution_id as ExecutionId }).catch((error: unknown) =>
        log.warn({ err: error, execution_id: waiter.execution_id }, 'late answer failed'),
      ),
    ),
  ])
}

async function checkExecution(resyncing: Resyncing, id: ExecutionId): Promise<void> {
  const { driver, db, followUps, clock, log } = resyncing
  const snapshot = await driver.apply(id, { type: 'tick' }, true)
  const { execution, tasks } = snapshot
  if (FINAL_EXECUTION_STATUSES.has(execution.status)) {
    const waiting = await db.query<Waiter>(
      'orchestrator.waiters_of',
      `select waiter_id::text, execution_id, reply_to from waiters where execution_id = $1`,
      [id],
    )
    // The process that ended it died before it could say so, or has done it.
    const finished = Date.parse(execution.finished_at ?? '')
    if (clock.now() - finished > UNSAID_MS) endExecutionSpan(execution, finished)
    return followUps.followUp(snapshot, waiting)
  }
  const age = clock.now() - Date.parse(execution.created_at)
  // The accepting replica has not planned it: it died, or a service that it needs is unavailable.
  const { lane } = resyncing
  if (execution.status === 'planning' && tasks.size === 0 && age > EVERY_MS && !lane.has(id)) {
    const forGoal = await thoughtForGoal(resyncing, execution)
    // Not awaited: there may be thousands.
    lane
      .behind(slotRequestOf(execution), () =>
        planExecution(resyncing, execution, prepare(resyncing, execution, forGoal?.thinking)),
      )
      .catch((error: unknown) => log.warn({ err: error, execution_id: id }, 'planning failed'))
  }
}

async function answerLate({ driver, followUps, waiters, clock }: Resyncing, waiter: Waiter): Promise<void> {
  waiters.answer(waiter, replyOf(await driver.read(waiter.execution_id), clock.now()))
  await followUps.dismiss(waiter.waiter_id)
}
