/**
 * One attempt to make an action's postcondition hold.
 *
 * Look first: what holds already is not done again. Then the intent, with what was met; then the effect; then looking
 * again, by other means. What an attempt before this one left in doubt is decided by an observation, never by a guess.
 */
import { crashPoint } from '@deed/process/crash-point'
import { DeedError } from '@deed/proto/errors'
import type { JsonObject } from '@deed/proto/json'
import { count } from '@deed/telemetry/metrics'
import type { After, Before, Context, Kind, World } from '../kind/kind.ts'
import { inputOf, kindOf, postconditionOf } from '../kinds/kinds.ts'
import { beforeOf } from '../observing/noted.ts'
import { attemptedBy, type Observed, observe, type Patience, resyncOnce } from '../observing/observe.ts'
import { confinesLess } from '../sandbox/confines-less.ts'
import type { IntentToWrite, Ledger, LedgerRow } from '../store/ledger.ts'
import type { Attempt } from './attempt.ts'
import { traceAct, traceObservation } from './attempt-spans.ts'
import { type Beforehand, beforehand, refuseUselessProof } from './beforehand.ts'
import { type Conclusion, concluded, failedWith, provenBy, unconfirmed } from './conclusion.ts'
import { contextOf } from './context.ts'
import type { WithPlace } from './places.ts'
import { begunBy, resolveAttempt } from './resolve-abandoned.ts'
import { differenceOf, refuseOtherMeaning } from './resolved.ts'

export interface ActDependencies {
  readonly world: World
  readonly ledger: Ledger
  readonly patience: Patience
  /** Runs an effect when one of the few places for effects is free. */
  readonly withPlace: WithPlace
  /** Whether the process that holds the row may still be at work. */
  readonly holderLives: (row: LedgerRow) => boolean
}

/** @returns `stale` when the attempt may not act, and nothing is to be reported */
export async function act(attempt: Attempt, dependencies: ActDependencies): Promise<Conclusion | 'stale'> {
  const { tenant, token } = attempt.work
  const { ledger, world } = dependencies
  crashPoint('executor.before_intent')
  // The first token is the first attempt, unless a message came twice; then the statement of the intent tells.
  const earlier = token > 1 ? await ledger.find(tenant, attempt.actionId) : undefined
  let step: Step
  let met: FirstObservation
  try {
    step = await openStep(attempt, world, dependencies)
    met = await meet(step, earlier)
  } catch (error) {
    const begun = earlier ?? (await ledger.find(tenant, attempt.actionId))
    // The message came again, and its first attempt had begun.
    if (begun && Number(begun.token) === token) attempt.begunUnder(begun.attempt_key)
    return failedWith(attempt, error, begun)
  }
  attempt.leaseSeen()
  const row = await ledger.writeIntent(intentOf(step, met))
  try {
    if (!row) return await goOn(step)
    attempt.begunUnder(row.attempt_key)
    crashPoint('executor.after_intent')
    if (row.doubtful) return await takeOver(step, row.doubtful)
    if (met.already)
      return concluded(attempt, provenBy(step.kind, met.already, { claimed: ALREADY_SO, alreadySo: true }))
    refuseUnmet(step, met.before)
    return await bringAbout(step, met.before)
  } catch (error) {
    return failedWith(attempt, error)
  }
}

interface Step {
  readonly attempt: Attempt
  readonly dependencies: ActDependencies
  readonly kind: Kind
  readonly input: JsonObject
  readonly context: Context
}

async function openStep(attempt: Attempt, world: World, dependencies: ActDependencies): Promise<Step> {
  const kind = await kindOf(attempt.work.action, world, true)
  const input = inputOf(kind, attempt.work.action)
  const context = contextOf(attempt, world, dependencies.ledger)
  // Before anything is read: looking at a target may start its program.
  await refuseOtherMeaning(kind, input, context)
  return { attempt, dependencies, kind, input, context }
}

/** What is there before this attempt does anything. */
interface FirstObservation {
  /** On the clock of `performance.now()`. */
  readonly observedAt: number
  readonly before: Before
  /** The observation that showed that nothing is left to do. */
  readonly already: Observed | undefined
}

/** Read before the intent, so that the intent is one commit and has all that is known. */
async function meet(step: Step, earlier: LedgerRow | undefined): Promise<FirstObservation> {
  const observedAt = performance.now()
  if (earlier && !isClean(earlier)) return { observedAt, before: earlier.before, already: undefined }
  const { attempt, kind, input, context } = step
  const before = await beforeOf(kind, input, context)
  let found: Beforehand | undefined
  await traceObservation(attempt, 'before', async () => {
    found = await beforehand(kind, input, context, before)
    return found?.seen
  })
  refuseUselessProof(kind, found)
  if (found && !found.nothingLeft) before.held = true
  return { observedAt, before, already: found?.nothingLeft ? found.seen : undefined }
}

/** Nothing that an attempt at the action has made is left in the world. */
const isClean = ({ effect, undo_outcome }: LedgerRow) => effect === 'none' || undo_outcome === 'done'

const ALREADY_SO = 'nothing was done: it was so already'

/** @throws {DeedError} `precondition_failed`: what was approved is not what is there */
function refuseUnmet({ kind, input, context }: Step, before: Before): void {
  const { action, world } = context
  const confinedBy = world.sandbox.name
  if (action.expect_sandbox !== undefined && confinesLess(confinedBy, action.expect_sandbox))
    throw new DeedError(
      'precondition_failed',
      `here ${confinedBy} confines programs, not ${action.expect_sandbox} as when this was planned; plan again`,
    )
  const changed =
    action.expect_files && kind.namedFiles && differenceOf(action.expect_files, kind.namedFiles(input, context))
  if (changed !== undefined) throw new DeedError('precondition_failed', `${changed} when this was planned; plan again`)
  if (action.expect_before !== undefined && action.expect_before !== before.state)
    throw new DeedError(
      'precondition_failed',
      `the target is ${before.state}, not ${action.expect_before} as when this was planned; plan again`,
    )
  if (action.observe_only && kind.effectOf(input, world) !== 'read') throw observeOnly()
}

const observeOnly = () =>
  new DeedError('precondition_failed', 'it was approved only to look, and what it looks for does not hold')

async function bringAbout(step: Step, before: Before): Promise<Conclusion> {
  const { attempt, dependencies, kind, input, context } = step
  const reads = kind.effectOf(input, context.world) === 'read'
  const what = kind.waits ? 'waits' : reads ? 'reads' : undefined
  const execute = () => kind.execute(input, context, before)
  const effect = await traceAct(attempt, () => dependencies.withPlace(execute, what)).catch((error: unknown) => {
    throw before.once && attempt.effect !== 'none' ? askedInVain(error) : error
  })
  if (reads) attempt.nothingDone()
  else attempt.made()
  crashPoint('executor.after_effect')
  const wanted = postconditionOf(kind, context.action, input, before)
  if (reads && before.once && wanted.kind === 'asked_once') return concluded(attempt, unconfirmed(kind, effect))
  const attempted = attemptedBy(kind, input, context, before, effect)
  const seen = await traceObservation(attempt, 'after', () =>
    observe(wanted, context, attempted, dependencies.patience),
  )
  crashPoint('executor.after_verification')
  return concluded(attempt, provenBy(kind, seen, { claimed: effect.claimed, effect, wanted, held: before.held }))
}

/**
 * Continues an attempt that stopped at an unknown point. Its processes are ended first, then the target is
 * observed: it holds, so it is done; else it is run again where that does no harm, and taken back first where it may.
 */
async function takeOver(step: Step, row: LedgerRow): Promise<Conclusion> {
  const { attempt, kind, input, context } = step
  const { before } = row
  count('deed_lease_takeovers_total', { kind: context.action.kind })
  if (kind.effectOf(input, context.world) === 'read') {
    if (before.once) throw askedInVain('an earlier attempt did not report the answer')
    return bringAbout(step, before)
  }
  attempt.inherit()
  const after = await resolveAttempt(kind, input, begunBy(attempt, row), context.world, step.dependencies.ledger)
  const wanted = postconditionOf(kind, context.action, input, before)
  const attempted = attemptedBy(kind, input, context, before)
  const seen = await traceObservation(attempt, 'before', () => resyncOnce(wanted, context, attempted))
  if (seen.outcome === 'verified' && !before.held) {
    const found = { ...seen, facts: { ...seen.facts, earlier_attempt: true } }
    return concluded(attempt, provenBy(kind, found, { claimed: 'an earlier attempt had done it', alreadySo: true }))
  }
  if (context.action.observe_only) throw observeOnly()
  if (kind.idempotent) return bringAbout(step, before)
  await takeBack(step, row, after)
  return bringAbout(step, await observeAgain(step))
}

/** Not to be retried: what may be asked for only once may have been answered, and the answer is lost. */
function askedInVain(error: unknown): unknown {
  if (typeof error !== 'string' && !(error instanceof DeedError && error.retryable)) return error
  if (error instanceof DeedError && (error.code === 'lease_lost' || error.code === 'cancelled')) return error
  const why = typeof error === 'string' ? error : error.message
  return new DeedError(
    'effect_failed',
    `${why}; it may be asked only once, and may have been, so it is not asked again`,
  )
}

async function takeBack(
  { kind, input, context }: Step,
  { before, reversibility }: LedgerRow,
  after: After | undefined,
): Promise<void> {
  const targetState = await kind.targetState(input, context, before, after)
  if (targetState.at === 'before') return
  if (reversibility === 'irreversible' || targetState.at === 'elsewhere')
    throw new DeedError(
      'unverified',
      `an earlier attempt may have done it, which cannot be seen: ${targetState.observed}`,
    )
  await kind.compensate(input, context, before, after)
}

/** What this attempt does is told from what is there now, not from what an earlier one met. */
async function observeAgain({ attempt, dependencies, kind, input, context }: Step): Promise<Before> {
  const { actionId, work } = attempt
  const observedAt = performance.now()
  const before = await beforeOf(kind, input, context)
  const reversibility = kind.reversibility(input, before)
  const { tenant, token } = work
  if (await dependencies.ledger.beginAgain({ tenant, actionId, token, before, observedAt, reversibility }))
    return before
  throw new DeedError('lease_lost', 'a newer attempt has begun')
}

function intentOf(
  { attempt: { work, actionId }, kind, input }: Step,
  { before, observedAt }: FirstObservation,
): IntentToWrite {
  return {
    tenant: work.tenant,
    actionId,
    executionId: work.execution_id,
    taskId: work.task_id,
    token: work.token,
    action: work.action,
    actionHash: work.action_hash,
    before,
    observedAt,
    reversibility: kind.reversibility(input, before),
  }
}

/**
 * The intent was not written: this attempt may not act, or the ledger has met this token before. An outcome under the
 * same token is reported again. Without one, the process that had it may have died.
 *
 * @throws {StillRunningError} while it may still be at work
 */
async function goOn(step: Step): Promise<Conclusion | 'stale'> {
  const { attempt, dependencies } = step
  const { tenant, token } = attempt.work
  const row = await dependencies.ledger.find(tenant, attempt.actionId)
  if (!row || Number(row.token) !== token || row.intent !== 'do') return 'stale'
  attempt.begunUnder(row.attempt_key)
  if (row.outcome && Number(row.outcome_token) === token) return recorded(row)
  if (dependencies.holderLives(row)) throw new StillRunningError('the process that began it may still be at work')
  const adopted = await dependencies.ledger.adopt(tenant, attempt.actionId, token, row)
  if (!adopted) return 'stale'
  if (!adopted.cancelled) return takeOver(step, row)
  attempt.inherit()
  throw new DeedError('cancelled', 'the task was cancelled')
}

/** Another attempt at the action may still be at work. The message comes again later; nothing is reported. */
export class StillRunningError extends Error {
  override readonly name = 'StillRunningError'
}

function recorded(row: LedgerRow): Conclusion {
  return {
    outcome: row.outcome!,
    effect: row.effect ?? 'unknown',
    evidence: row.evidence ?? undefined,
    result: row.result ?? undefined,
    error: row.error ?? undefined,
    after: undefined,
    earlierObservations: [],
    recorded: true,
  }
}
