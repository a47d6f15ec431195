/** Services run for weeks: what is measured is code that is compiled. */
import { rounded, type Side } from './scenario.ts'

const SLICE_MS = 2_000
const WARM_UP_MS_MAX = 30_000
/** A warm-up is at most this many times as long as what is measured. */
const TIMES_MEASURED_MAX = 3
/** So many slices in turn save nothing once the code is compiled: fewer do so by chance. */
const STILL_SLICES = 4
const SLICES_MIN = 6
/** What a slice must still save of the best before; the compiler saves more, and noise less. */
const FALL_MIN = 0.03

/**
 * Loads all sides in turns until the cost of what they do has stopped falling.
 *
 * @param seconds that are measured afterwards
 * @returns what lines say of it
 */
export async function warmUp(sides: readonly Pick<Side, 'warm'>[], seconds: number) {
  const maxMs = Math.min(WARM_UP_MS_MAX, seconds * 1000 * TIMES_MEASURED_MAX)
  const sliceMs = Math.min(SLICE_MS, maxMs / SLICES_MIN)
  const costs: number[][] = sides.map(() => [])
  const from = performance.now()
  let warmMs = 0
  while (warmMs < maxMs && !costs.every(hasStoppedFalling)) {
    for (const [index, side] of sides.entries()) costs[index]?.push(await side.warm(sliceMs))
    warmMs = (performance.now() - from) / sides.length
  }
  return {
    warm_up_s: rounded(warmMs / 1000, 1),
    warm_up_ended: costs.every(hasStoppedFalling) ? 'compiled' : 'at its limit',
  }
}

/** @param costs of one thing, in slices one after the other */
export function hasStoppedFalling(costs: readonly number[]): boolean {
  if (costs.length < SLICES_MIN) return false
  return Math.min(...costs.slice(-STILL_SLICES)) > Math.min(...costs.slice(0, -STILL_SLICES)) * (1 - FALL_MIN)
}
