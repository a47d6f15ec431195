/**
 * One check of a goal: a running execution is followed to its end; otherwise the goal is observed, and remedied if it
 * does not hold.
 *
 * The observation has no effect, asks the executor and no cache, and is claimed by one replica at a time. The goal's
 * row names the execution before that is stored, so the next check finds it if a process dies in between.
 */

import { counted } from '@deed/config/counted'
import { errorBody } from '@deed/mesh/bus'
import { raiseAlert } from '@deed/mesh/raise-alert'
import { crashPoint } from '@deed/process/crash-point'
import { inspectAction } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import type { GoalOutcome } from '@deed/proto/goal'
import { ExecutionId } from '@deed/proto/ids'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { aboutExecution } from '../execution/about-execution.ts'
import { isoTime } from '../execution/iso-time.ts'
import type { Snapshot } from '../execution/snapshot.ts'
import type { Accepting } from '../intake/accept-execution.ts'
import { heldText } from '../planning/weigh-actions.ts'
import { type GoalChange, type GoalRow, storeCheck } from '../store/goals.ts'
import type { Database } from '../store/schema.ts'
import { agreedBy, goalApprovalOf, reasonOf } from './goal-approval.ts'
import { judge, recentRemedies } from './judge.ts'
import { executionForGoal, startForGoal } from './start-for-goal.ts'

export interface CheckDependencies extends Accepting {
  db: Database
}

/** How soon a running execution of a goal is checked again. */
const FOLLOW_MS = 1_000
const SEEN_CHARS_MAX = 1_024

/** @returns when it is due again, in milliseconds; undefined if another replica has claimed it, or it is blocked */
export async function checkGoal(looking: CheckDependencies, claimed: GoalRow): Promise<number | undefined> {
  const { clock, driver } = looking
  let goal = claimed
  if (goal.execution_open && goal.execution_id !== null) {
    const snapshot = await readOrNone(driver, goal.execution_id)
    if (snapshot && !FINAL_EXECUTION_STATUSES.has(snapshot.execution.status)) {
      await approveFor(looking, goal, snapshot)
      return note(looking, goal, {}, FOLLOW_MS)
    }
    if (goal.status === 'establishing') return established(looking, goal, snapshot)
    goal = { ...goal, execution_open: false }
    if (snapshot?.execution.status === 'denied') {
      return giveUp(
        looking,
        goal,
        `its remedy was denied: ${snapshot.execution.error?.message ?? 'a person denied it'}`,
      )
    }
  }
  const { outcome, seen } = await probe(looking, goal)
  const now = clock.now()
  const checked: GoalChange = {
    execution_open: false,
    last_check_at: isoTime(now),
    last_outcome: outcome,
    last_seen: seen.slice(0, SEEN_CHARS_MAX),
    remedies: recentRemedies(goal.remedies, now),
  }
  const drifted: GoalChange = { ...checked, drifts: goal.drifts + 1, last_drift_at: isoTime(now) }
  switch (judge(goal, outcome, now)) {
    case 'rest':
      if (outcome === 'unknown' && goal.last_outcome !== 'unknown') raiseUnobservable(looking, goal, seen)
      return note(looking, goal, checked, goal.interval_ms)
    case 'remedy': {
      const hold = await looking.planning.holdOn(goal.tenant, targetsIn(goal))
      if (hold)
        return note(looking, goal, { ...checked, last_seen: heldText(hold).slice(0, SEEN_CHARS_MAX) }, goal.interval_ms)
      return bringAbout(looking, { ...goal, ...drifted }, now)
    }
    case 'give_up':
      return giveUp(
        looking,
        { ...goal, ...drifted },
        `it was restored ${counted(goal.remedies_max, 'time')} within an hour and does not stay so: ${seen}`,
      )
  }
}

/** @throws {DeedError} if the goal cannot be observed now */
export async function probe(
  { bus }: Pick<CheckDependencies, 'bus'>,
  { goal_id: id, tenant, user_name: user, steps }: Pick<GoalRow, 'goal_id' | 'tenant' | 'user_name' | 'steps'>,
): Promise<{ outcome: GoalOutcome; seen: string; refused?: DeedError }> {
  try {
    const { inspections } = await bus.call(
      inspectAction,
      { execution_id: ExecutionId.parse(id), actions: steps.map(({ action }) => action) },
      { principal: { tenant, user } },
    )
    const drifts: string[] = []
    for (const found of inspections) {
      if ('error' in found) {
        const refused = DeedError.from(found.error)
        return { outcome: 'unknown', seen: refused.message, refused }
      }
      const { already_so: holds, summary, state_before: state } = found.inspection
      if (!holds) drifts.push(`to ${summary}${state === '' ? '' : ` (observed: ${state})`}`)
    }
    if (drifts.length === 0) return { outcome: 'holds', seen: 'it holds' }
    return { outcome: 'drifted', seen: `it requires ${drifts.join(', ')}` }
  } catch (error) {
    const { message, code } = errorBody(error)
    return { outcome: 'unknown', seen: message, refused: new DeedError(code, message, { cause: error }) }
  }
}

const targetsIn = ({ steps }: Pick<GoalRow, 'steps'>): string[] =>
  steps.map(({ action }) => action.input.target).filter((target) => typeof target === 'string')

async function bringAbout(looking: CheckDependencies, goal: GoalRow, now: number): Promise<number | undefined> {
  const { db, bus, log } = looking
  const execution = executionForGoal(goal, now)
  const { execution_id: id } = execution
  const change: GoalChange = {
    execution_id: id,
    execution_open: true,
    remedies: [...goal.remedies, { execution_id: id, at: isoTime(now) }],
    next_check_at: isoTime(now + FOLLOW_MS),
  }
  if (!(await storeCheck(db, goal, change))) return undefined
  log.info({ goal: goal.name, execution_id: id, seen: goal.last_seen }, 'goal drifted')
  const event = { tenant: goal.tenant, executionId: id, data: { goal: goal.name } }
  raiseAlert(bus, {
    ...event,
    name: 'goal-drifted',
    severity: 'warning',
    message: `the goal ${goal.name} does not hold and is being restored: ${goal.last_seen}`,
  })
  crashPoint('orchestrator.before_remedy')
  await startForGoal(looking, { ...goal, ...change }, execution)
  return now + FOLLOW_MS
}

async function established(
  looking: CheckDependencies,
  goal: GoalRow,
  snapshot: Snapshot | undefined,
): Promise<number | undefined> {
  const { db, clock } = looking
  if (!snapshot) {
    // The replica that put it died before its first execution was stored.
    const execution = executionForGoal(goal, clock.now())
    const at = clock.now() + FOLLOW_MS
    const meant = { execution_id: execution.execution_id, next_check_at: isoTime(at) }
    if (!(await storeCheck(db, goal, meant))) return undefined
    await startForGoal(looking, { ...goal, ...meant }, execution)
    return at
  }
  const { status, error } = snapshot.execution
  if (status !== 'done') {
    return giveUp(looking, goal, `its first execution is ${status}${error === null ? '' : `: ${error.message}`}`)
  }
  const { outcome, seen } = await probe(looking, goal)
  const change: GoalChange = {
    status: 'active',
    execution_open: false,
    agreed: goalApprovalOf(snapshot),
    last_check_at: isoTime(clock.now()),
    last_outcome: outcome,
    last_seen: seen.slice(0, SEEN_CHARS_MAX),
  }
  // It would be repeated forever, without success.
  if (outcome === 'drifted') {
    const why = `it was restored and verified, but a check right after contradicts that, so it cannot be kept: ${seen}`
    return giveUp(looking, { ...goal, ...change }, why)
  }
  return note(looking, goal, change, goal.interval_ms)
}

/** Approves in the name of the goal's approver, if a step was planned again and requests nothing else. */
async function approveFor(
  { driver, log }: CheckDependencies,
  goal: GoalRow,
  { execution, approvals, tasks }: Snapshot,
): Promise<void> {
  if (goal.status === 'establishing') return
  for (const approval of [...approvals.values()]) {
    const by = agreedBy(goal, approval, [...tasks.values()])
    if (by === undefined) continue
    const decision = { approvalId: approval.approval_id, approve: true, by, reason: reasonOf(goal) }
    try {
      await driver.apply(execution.execution_id, { type: 'decided', ...decision })
    } catch (error) {
      // A person was faster, or the execution has ended.
      if (!(error instanceof DeedError)) throw error
      log.info({ err: error, goal: goal.name, ...aboutExecution(execution) }, 'approved already')
    }
  }
}

async function giveUp({ db, bus, log }: CheckDependencies, goal: GoalRow, why: string): Promise<undefined> {
  const change: GoalChange = { status: 'blocked', why: why.slice(0, SEEN_CHARS_MAX), execution_open: false }
  if (!(await storeCheck(db, goal, change))) return undefined
  log.warn({ goal: goal.name, why }, 'goal blocked')
  raiseAlert(bus, {
    name: 'goal-blocked',
    severity: 'critical',
    tenant: goal.tenant,
    ...(goal.execution_id === null ? {} : { executionId: goal.execution_id }),
    cause: `${goal.goal_id}:${goal.checks}`,
    message: `the goal ${goal.name} is blocked: ${change.why}; fix the cause, then: deed goal resume ${goal.name}`,
    data: { goal: goal.name },
  })
  return undefined
}

/** An unobservable goal is not remedied, so a person should know. */
function raiseUnobservable({ bus }: CheckDependencies, goal: GoalRow, seen: string): void {
  raiseAlert(bus, {
    name: 'goal-unseen',
    severity: 'warning',
    tenant: goal.tenant,
    cause: `${goal.goal_id}:${goal.checks}`,
    message: `the goal ${goal.name} cannot be checked: ${seen}`.slice(0, SEEN_CHARS_MAX),
    data: { goal: goal.name },
  })
}

async function note(
  { db, clock }: CheckDependencies,
  goal: GoalRow,
  change: GoalChange,
  afterMs: number,
): Promise<number | undefined> {
  const at = clock.now() + afterMs
  return (await storeCheck(db, goal, { ...change, next_check_at: isoTime(at) })) ? at : undefined
}

async function readOrNone(driver: CheckDependencies['driver'], id: ExecutionId): Promise<Snapshot | undefined> {
  try {
    return await driver.read(id)
  } catch (error) {
    if (error instanceof DeedError && error.code === 'not_found') return undefined
    throw error
  }
}
