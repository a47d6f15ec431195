/** One attempt at an action: its lease, and what it may have done to the world. */
import type { WorkAct } from '@deed/proto/action'
import type { ActionId } from '@deed/proto/ids'
import type { Trace } from '@deed/telemetry/trace-context'
import { type Lease, openLease } from '@deed/worker/lease'
import type { After } from '../kind/kind.ts'
import type { ReportedEffect } from '../store/ledger.ts'

export interface Attempt extends Lease {
  readonly work: WorkAct
  /** Of the message that brought the work. */
  readonly trace: Trace
  readonly actionId: ActionId
  readonly startedAt: number
  /** Of the attempt in the ledger, once it is known; see `LedgerRow`. */
  readonly key: string | undefined
  /** What this attempt, so far, may have done to the world. */
  readonly effect: ReportedEffect
  /** The attempt has a row in the ledger. */
  begunUnder(key: string | null): void
  /** See `Context.begin`. */
  begin(): void
  nothingDone(): void
  /** See `Context.left`. */
  left(after: After): void
  /** What was said to be left. */
  readonly after: After | undefined
  made(): void
  /** What an earlier attempt began is in doubt, and with it what this one can say. */
  inherit(): void
}

/** @param leaseMs how long a lease lasts in milliseconds, as the orchestrator said */
export function openAttempt(work: WorkAct, actionId: ActionId, trace: Trace, leaseMs?: number): Attempt {
  const lease = openLease(leaseMs)
  let doubtful = false

  const attempt: { -readonly [Field in keyof Attempt]: Attempt[Field] } = {
    ...lease,
    work,
    trace,
    actionId,
    startedAt: performance.now(),
    key: undefined,
    effect: 'none',
    after: undefined,
    begunUnder(key) {
      attempt.key = key ?? undefined
    },
    begin() {
      lease.checkRight()
      attempt.effect = 'unknown'
    },
    left(found) {
      attempt.after = found
    },
    nothingDone() {
      if (!doubtful) attempt.effect = 'none'
    },
    made() {
      attempt.effect = 'made'
    },
    inherit() {
      doubtful = true
      attempt.effect = 'unknown'
    },
  }
  return attempt
}
