/**
 * One attempt's right to act: a lease that somebody else may take, on this process' own clock.
 *
 * The orchestrator's lease runs on the database's clock. Here it is counted from before the heartbeat was sent that
 * extended it, on the monotonic clock, so this side always ends first. A process that was frozen finds its time up
 * before it finds out anything else.
 */
import type { WorkAct } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import type { ActionId } from '@deed/proto/ids'
import type { After } from '../kind/kind.ts'
import type { EffectKnown } from '../store/ledger.ts'

/** How long an attempt may act before a heartbeat has confirmed its lease, in milliseconds, whatever the lease is. */
const UNCONFIRMED_MS_MAX = 5_000
/** The part of a lease that is surely left when its message is taken. */
const LEFT_PART = 3 / 4
/** The shortest lease there is: while the orchestrator has not said how long one lasts. */
const LEASE_MS_MIN = 3_000

export interface Attempt {
  readonly work: WorkAct
  readonly actionId: ActionId
  readonly startedAt: number
  /** Of the attempt in the ledger, once it is known; see `LedgerRow`. */
  readonly key: string | undefined
  readonly signal: AbortSignal
  /** What this attempt, so far, may have done to the world. */
  readonly effect: EffectKnown
  /** The attempt has a row in the ledger. */
  begunUnder(key: string | null): void
  /** See `Context.begin`. */
  begin(): void
  nothingDone(): void
  /** See `Context.left`. */
  left(after: After): void
  /** What was said to be left. */
  readonly after: After | undefined
  /** See `Context.checkRight`. */
  checkRight(): void
  made(): void
  /** What an earlier attempt began is in doubt, and with it what this one can say. */
  inherit(): void
  /** From now on the time counts within which a first heartbeat must confirm the lease. */
  leaseSeen(): void
  /** @param until on the clock of `performance.now()` */
  extend(until: number): void
  /** Ends the attempt, whatever it is at. */
  stop(reason: DeedError): void
  /** Ends it if its lease is over. */
  expire(): void
}

/** @param leaseMs how long a lease lasts, as the orchestrator said */
export function openAttempt(work: WorkAct, actionId: ActionId, leaseMs = LEASE_MS_MIN): Attempt {
  const unconfirmedMs = Math.min(UNCONFIRMED_MS_MAX, leaseMs * LEFT_PART)
  const controller = new AbortController()
  const startedAt = performance.now()
  let deadline = startedAt + unconfirmedMs
  let confirmed = false
  let doubtful = false

  const expire = () => {
    if (performance.now() >= deadline) controller.abort(leaseLost())
  }
  const checkRight = () => {
    expire()
    controller.signal.throwIfAborted()
  }
  const attempt: { -readonly [Field in keyof Attempt]: Attempt[Field] } = {
    work,
    actionId,
    startedAt,
    key: undefined,
    signal: controller.signal,
    effect: 'none',
    after: undefined,
    begunUnder(key) {
      attempt.key = key ?? undefined
    },
    begin() {
      checkRight()
      attempt.effect = 'unknown'
    },
    left(found) {
      attempt.after = found
    },
    nothingDone() {
      if (!doubtful) attempt.effect = 'none'
    },
    checkRight,
    made() {
      attempt.effect = 'made'
    },
    inherit() {
      doubtful = true
      attempt.effect = 'unknown'
    },
    leaseSeen() {
      if (!confirmed) deadline = performance.now() + unconfirmedMs
    },
    extend(until) {
      // Answers may overtake one another.
      deadline = confirmed ? Math.max(deadline, until) : until
      confirmed = true
    },
    stop(reason) {
      // Who was frozen has lost its lease first, whatever it is told now.
      expire()
      controller.abort(reason)
    },
    expire,
  }
  return attempt
}

const leaseLost = () => new DeedError('lease_lost', 'the lease on the task was over before the work was')
