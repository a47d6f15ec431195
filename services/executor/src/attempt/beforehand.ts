/**
 * What a postcondition means that holds before anything was done. Where the kind itself looks, nothing is left to do.
 * A proof of the caller's shows only that it cannot tell the effect from what was there before.
 */
import { DeedError } from '@deed/proto/errors'
import type { JsonObject } from '@deed/proto/json'
import type { Before, Context, Kind } from '../kind/kind.ts'
import { postconditionOf } from '../kinds/kinds.ts'
import { attemptedBy, type Observed, resyncOnce } from '../observing/observe.ts'

export interface Beforehand {
  readonly seen: Observed
  /** Else the proof proves nothing. */
  readonly nothingLeft: boolean
}

/** @returns `undefined` where the postcondition does not hold, or nobody needs to know */
export async function beforehand(
  kind: Kind,
  input: JsonObject,
  context: Context,
  before: Before,
): Promise<Beforehand | undefined> {
  const { action } = context
  const callers = restsOnCaller(kind, input, context, before)
  if (kind.mayHoldAlready?.(input, before) === false || (action.already_so === 'run' && !callers)) return undefined
  const wanted = postconditionOf(kind, action, input, before)
  const seen = await resyncOnce(wanted, context, attemptedBy(kind, input, context, before))
  if (seen.outcome !== 'verified') return undefined
  const byDefault = !callers || kind.nothingLeft?.(input, before, action) === true
  return { seen, nothingLeft: action.already_so === undefined ? byDefault : action.already_so === 'skip' }
}

const restsOnCaller = (kind: Kind, input: JsonObject, { action, world }: Context, before: Before): boolean =>
  (kind.takesProof === true || (kind.takesVerify === true && action.verify !== undefined)) &&
  kind.effectOf(input, world, before) !== 'read'

/** @throws {DeedError} `precondition_failed` where nothing could prove the effect */
export function refuseUselessProof(kind: Kind, found: Beforehand | undefined): void {
  if (!found || found.nothingLeft || kind.provesBesides) return
  throw new DeedError(
    'precondition_failed',
    `its verify holds before anything is done, so it could not show that ${kind.name} did anything: ${found.seen.observed}; ` +
      'give a verify that does not hold yet, or already_so: skip where it is enough that it holds',
    { path: '$.verify' },
  )
}
