/** What all kinds have in common that change nothing: they may run again, and there is nothing to undo. */
import { isDeepStrictEqual } from 'node:util'
import { defined } from '@deed/proto/json'
import type { Again, Effect, Kind } from './kind.ts'

export const readingOnly = {
  idempotent: true,
  effectOf: () => 'read',
  reversibility: () => 'reversible',
  mayHoldAlready: () => false,
  compensate: async () => 'nothing was changed',
  targetState: async () => ({ at: 'before', observed: 'it only reads, so there is nothing to bring back' }),
} satisfies Partial<Kind>

/**
 * A second reading that must say what the first one said. Where it does not, the newer one takes its place: the next
 * observation is compared with that.
 */
export function readAgain(first: Effect, second: Effect): Again {
  const same = isDeepStrictEqual(first.result, second.result)
  const observed = `a second read${same ? '' : ' differs'}: ${second.claimed}`
  if (!same) Object.assign(first, second)
  return { outcome: same ? 'verified' : 'failed', same, observed, ...defined({ facts: second.facts }) }
}
