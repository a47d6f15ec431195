/**
 * One attempt's right to work: a lease that another worker may take, on this process' own clock.
 *
 * The orchestrator's lease runs on the database's clock. Here it is counted from before the heartbeat was sent that
 * extended it, on the monotonic clock, so this side always ends first. A process that was frozen finds its lease expired
 * before it finds out anything else.
 */
import { DeedError } from '@deed/proto/errors'

/** How long an attempt may work before a heartbeat has confirmed its lease, in milliseconds, whatever the lease is. */
const UNCONFIRMED_MS_MAX = 5_000
/** The part of a lease that is surely left when its message is taken. */
const LEFT_PART = 3 / 4
/** The shortest lease there is: while the orchestrator has not said how long one lasts. */
const LEASE_MS_MIN = 3_000

export interface Lease {
  /** Aborts when the lease has expired, or the attempt was stopped. */
  readonly signal: AbortSignal
  /** @throws {DeedError} `lease_lost`, or what it was stopped with */
  checkRight(): void
  /** Restarts the time within which a first heartbeat must confirm the lease. */
  leaseSeen(): void
  /** @param until on the clock of `performance.now()` */
  extend(until: number): void
  /** Ends the attempt, whatever it is doing. */
  stop(reason: DeedError): void
  /** Ends the attempt if its lease has expired. */
  expire(): void
}

/** @param leaseMs how long a lease lasts in milliseconds, as the orchestrator said */
export function openLease(leaseMs = LEASE_MS_MIN): Lease {
  const unconfirmedMs = Math.min(UNCONFIRMED_MS_MAX, leaseMs * LEFT_PART)
  const controller = new AbortController()
  let deadline = performance.now() + unconfirmedMs
  let confirmed = false

  const expire = () => {
    if (performance.now() >= deadline) controller.abort(leaseLost())
  }
  return {
    signal: controller.signal,
    checkRight() {
      expire()
      controller.signal.throwIfAborted()
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
      // A process that was frozen has lost its lease first, whatever it hears now.
      expire()
      controller.abort(reason)
    },
    expire,
  }
}

const leaseLost = () => new DeedError('lease_lost', 'the lease on the task was over before the work was')
