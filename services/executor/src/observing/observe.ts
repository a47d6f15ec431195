/**
 * Looking at the world: whether a postcondition holds, seen by other means than those that made it hold.
 *
 * Three answers: it was seen to hold, it was seen not to, it could not be looked at. Only the first counts.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ActionResult } from '@deed/proto/action'
import { DeedError } from '@deed/proto/errors'
import type { JsonObject } from '@deed/proto/json'
import type { Observation, SingleObservation } from '@deed/proto/observation'
import { observe as measure, secondsSince } from '@deed/telemetry/metrics'
import { observeDir, observeFile } from '../files/observe-files.ts'
import { observeHttp, observeTcp } from '../http/observe-http.ts'
import type { Again, Before, Context, Effect, Kind } from '../kind/kind.ts'
import { failed, type Seen, unverified, verified } from '../kind/seen.ts'
import { observeService } from '../services/observe-service.ts'
import { observeSql } from '../sql/observe-sql.ts'

/** What an observation may need of the attempt. */
export interface Attempted {
  readonly before: Before
  /** Absent before the effect, and for an effect of an earlier attempt. */
  readonly effect?: Effect
  /** Reads again; for `same_again` and `answers_again`. */
  again?(): Promise<Again>
  /** The kind's own observation; for `own_observation`. */
  look?(): Promise<Seen>
}

/** What observations of an action of this kind use. @param effect absent before it, and for one of an earlier attempt */
export function attemptedBy(
  kind: Kind,
  input: JsonObject,
  context: Context,
  before: Before,
  effect?: Effect,
): Attempted {
  return {
    before,
    ...(effect ? { effect } : {}),
    ...(effect && kind.again ? { again: () => kind.again!(input, context, effect) } : {}),
    ...(kind.observe ? { look: () => kind.observe!(input, context, before, effect) } : {}),
  }
}

export interface Observed extends Seen {
  /** When the observation that counts began, in milliseconds since 1970: what it saw was so then or later. */
  readonly at: number
  /** A newer reading than the effect's own. */
  readonly result?: ActionResult
  /** Observations before the one that counts. */
  readonly earlier: readonly Seen[]
}

export interface Patience {
  /** Looks after the first. */
  readonly attempts: number
  /** The wait before the last of them, in milliseconds; each earlier one is half as long. */
  readonly delayMs: number
}

/** Observes at once, then again with growing waits until it holds or patience ends. */
export async function observe(
  observation: Observation,
  context: Context,
  attempted: Attempted,
  patience: Patience,
): Promise<Observed> {
  const earlier: Seen[] = []
  const startedAt = performance.now()
  for (;;) {
    const last = await resyncOnce(observation, context, attempted)
    const waitMs = last.outcome === 'verified' ? undefined : waitsOf(patience)[earlier.length]
    if (waitMs === undefined || context.signal.aborted) {
      measure('deed_observation_duration_seconds', { kind: context.action.kind }, secondsSince(startedAt))
      return { ...last, earlier }
    }
    const { at: _at, earlier: _none, ...seen } = last
    earlier.push(seen)
    // The wait ends early when the attempt does; then the observation that follows is the last.
    await sleep(waitMs, undefined, { signal: context.signal }).catch(() => undefined)
  }
}

/** The waits between the observations, in milliseconds. */
export const waitsOf = ({ attempts, delayMs }: Patience): number[] =>
  Array.from({ length: attempts }, (_, index) => delayMs / 2 ** (attempts - 1 - index))

/** As `observe`, without patience. */
export async function resyncOnce(observation: Observation, context: Context, attempted: Attempted): Promise<Observed> {
  const at = Date.now()
  return { ...(await observeOnce(observation, context, attempted)), at, earlier: [] }
}

/** One observation. It does not throw: what cannot be observed is `unverified`. */
export async function observeOnce(
  observation: Observation,
  context: Context,
  attempted: Attempted,
): Promise<Seen & { result?: ActionResult }> {
  try {
    return await observeNamed(observation, context, attempted)
  } catch (error) {
    if (error instanceof DeedError) return unverified(`it cannot be observed: ${error.message}`, { code: error.code })
    // What the operating system, a server or the network says; anything else is a bug and goes up.
    if (error instanceof Error && 'code' in error && typeof error.code === 'string')
      return unverified(`it cannot be observed: ${error.message}`, { code: error.code })
    throw error
  }
}

async function observeNamed(observation: Observation, context: Context, attempted: Attempted): Promise<Seen> {
  switch (observation.kind) {
    case 'all':
    case 'any': {
      const parts: Seen[] = []
      for (const part of observation.of) {
        const one = await observeOnce(part, context, attempted)
        parts.push(one)
        if (one.outcome === (observation.kind === 'all' ? 'failed' : 'verified')) break
      }
      return together(observation.kind, parts)
    }
    case 'not': {
      const inner = await observeOnce(observation.of[0]!, context, attempted)
      const outcome = ({ verified: 'failed', failed: 'verified', unverified: 'unverified' } as const)[inner.outcome]
      return { ...inner, outcome }
    }
    default:
      return observeTarget(observation, context, attempted)
  }
}

async function observeTarget(
  observation: SingleObservation,
  context: Context,
  { before, effect, again, look: ownObservation }: Attempted,
): Promise<Seen> {
  switch (observation.kind) {
    case 'file':
      return observeFile(observation, context, before)
    case 'dir':
      return observeDir(observation, context)
    case 'exit_code': {
      if (effect?.exitCode === undefined) return unverified('no process of this attempt has ended')
      const observed = `exit code ${effect.exitCode}`
      return effect.exitCode === observation.equals ? verified(observed) : failed(observed)
    }
    case 'http':
      return observeHttp(observation, context)
    case 'tcp':
      return observeTcp(observation, context)
    case 'service':
      return observeService(observation, context, before)
    case 'sql':
      return observeSql(observation, context)
    case 'own_observation':
      return ownObservation ? ownObservation() : unverified('this kind of action has no observation of its own')
    case 'same_again':
    case 'answers_again': {
      if (!again || !effect) return unverified('there is no first reading to compare with')
      const second = await again()
      // What was agreed to as the proof is the one that is applied, whatever the kind makes of it.
      return observation.kind === 'same_again' && !second.same ? { ...second, outcome: 'failed' } : second
    }
    case 'asked_once':
      return unverified(ASKED_ONCE)
  }
}

/** What is observed of a read that may be made only once. */
export const ASKED_ONCE = 'asked once; not confirmed by a second read'

function together(kind: 'all' | 'any', parts: readonly Seen[]): Seen {
  const has = (outcome: Seen['outcome']) => parts.some((part) => part.outcome === outcome)
  const outcome =
    kind === 'all'
      ? has('failed')
        ? 'failed'
        : has('unverified')
          ? 'unverified'
          : 'verified'
      : has('verified')
        ? 'verified'
        : has('unverified')
          ? 'unverified'
          : 'failed'
  // A newer reading found inside comes along; the sentences are joined in the order of the observations.
  return Object.assign({}, ...parts, {
    outcome,
    observed: parts.map(({ observed }) => observed).join('; '),
    facts: Object.assign({}, ...parts.map(({ facts }) => facts ?? {})),
  })
}
