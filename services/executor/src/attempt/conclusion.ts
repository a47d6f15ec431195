/** What came of an attempt, as the ledger and the orchestrator receive it. Success comes from evidence alone. */
import { getSystemErrorMessage } from 'node:util'
import type { ActionResult } from '@deed/proto/action'
import { DeedError, type ErrorBody } from '@deed/proto/errors'
import type { JsonObject } from '@deed/proto/json'
import type { Evidence, Observation } from '@deed/proto/observation'
import { redactValue } from '@deed/telemetry/redact'
import type { After, Effect, Kind } from '../kind/kind.ts'
import { PASSING_ERRNOS } from '../kind/passing-faults.ts'
import type { Seen } from '../kind/seen.ts'
import { ASKED_ONCE, type Observed } from '../observing/observe.ts'
import type { LedgerRow, ReportedEffect } from '../store/ledger.ts'
import type { Attempt } from './attempt.ts'

export interface Conclusion {
  readonly outcome: 'done' | 'failed'
  readonly effect: ReportedEffect
  readonly evidence: Evidence | undefined
  readonly result: ActionResult | undefined
  readonly error: ErrorBody | undefined
  readonly after: After | undefined
  readonly earlierObservations: readonly Seen[]
  /** It is in the ledger already. */
  readonly recorded: boolean
}

export interface Proof {
  readonly seen: Observed
  readonly claimed: string
  readonly kind: string
  readonly alreadySo?: boolean | undefined
  /** Its answer was compared with nothing, and is the result all the same. */
  readonly unconfirmed?: true
  readonly result?: ActionResult | undefined
  readonly after?: After | undefined
  readonly facts?: JsonObject | undefined
}

/** What was claimed beside what was seen. */
export function provenBy(
  kind: Pick<Kind, 'name'>,
  seen: Observed,
  {
    claimed,
    alreadySo,
    effect,
    wanted,
    held,
  }: { claimed: string; alreadySo?: boolean; effect?: Effect; wanted?: Observation; held?: true | undefined },
): Proof {
  // What proves little: the evidence must not look like more.
  const little = wanted?.kind === 'exit_code' ? NOTHING_ELSE : held && HELD_BEFORE
  const observedText = little ? `${seen.observed}; ${little}` : seen.observed
  const observed =
    seen.outcome !== 'verified' && effect?.printed ? `${observedText}; it printed: ${effect.printed}` : observedText
  const result = seen.result ?? effect?.result ?? { text: observed }
  return {
    seen: { ...seen, observed },
    claimed,
    kind: kind.name,
    alreadySo,
    result,
    after: effect?.after,
    facts: effect?.facts,
  }
}

/** Of the program's own word. */
const NOTHING_ELSE = 'nothing else was observed'
const HELD_BEFORE = 'what its verify asks for held before, too, so it proves nothing of this run'

/** Of a read that may be made only once: done by its answer alone, which the evidence says. */
export const unconfirmed = (kind: Pick<Kind, 'name'>, effect: Effect): Proof => ({
  ...provenBy(
    kind,
    { outcome: 'unverified', observed: ASKED_ONCE, at: Date.now(), earlier: [] },
    { claimed: effect.claimed, effect },
  ),
  unconfirmed: true,
})

const TEXT_CHARS_MAX = 4096

export function concluded(
  attempt: Attempt,
  { seen, claimed, kind, alreadySo, unconfirmed, result, after, facts }: Proof,
): Conclusion {
  const evidence: Evidence = {
    kind: unconfirmed ? 'unconfirmed' : 'observed',
    outcome: seen.outcome,
    action_id: attempt.actionId,
    action_kind: kind,
    claimed: claimed.slice(0, TEXT_CHARS_MAX),
    observed: seen.observed.slice(0, TEXT_CHARS_MAX),
    observed_at: new Date(seen.at).toISOString(),
    ...(alreadySo ? { already_so: true } : {}),
    facts: { ...facts, ...seen.facts, observations: unconfirmed ? 0 : seen.earlier.length + 1 },
  }
  const done = unconfirmed === true || seen.outcome === 'verified'
  const error = done ? undefined : notProven(seen)
  return redactValue({
    outcome: done ? 'done' : 'failed',
    effect: attempt.effect,
    evidence,
    result: done ? result : undefined,
    error,
    after,
    earlierObservations: seen.earlier,
    recorded: false,
  } satisfies Conclusion)
}

/**
 * What an attempt ends with that has thrown. What an earlier attempt may have left behind counts as this one's doubt.
 *
 * @throws what has no name: a bug, which the caller logs
 */
export function failedWith(attempt: Attempt, error: unknown, earlier?: LedgerRow): Conclusion {
  const body = bodyOf(error)
  if (!body) throw error
  const doubtful = earlier && earlier.effect !== 'none' && earlier.undo_outcome !== 'done'
  return redactValue({
    outcome: 'failed',
    effect: attempt.effect === 'none' && doubtful ? 'unknown' : attempt.effect,
    evidence: undefined,
    result: undefined,
    error: body,
    after: attempt.after,
    earlierObservations: [],
    recorded: false,
  } satisfies Conclusion)
}

function notProven({ outcome, observed }: Observed): ErrorBody {
  return outcome === 'failed'
    ? new DeedError('verification_failed', `it does not hold afterwards: ${observed}`).body
    : new DeedError('unverified', `no observation shows whether it holds: ${observed}`).body
}

/** What an error that was thrown says; `undefined` for what has no name. */
export function bodyOf(error: unknown): ErrorBody | undefined {
  if (error instanceof DeedError) return error.body
  if (!(error instanceof Error) || !('errno' in error) || !('code' in error)) return undefined
  if (typeof error.errno !== 'number' || typeof error.code !== 'string') return undefined
  // Without the path: it is of this machine, and may be one through /proc.
  const text = `the operating system refuses: ${getSystemErrorMessage(error.errno)} (${error.code})`
  return new DeedError('effect_failed', text, { retryable: PASSING_ERRNOS.has(error.code) }).body
}
