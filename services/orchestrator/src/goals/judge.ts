/**
 * Decides what follows from a check of a goal: a pure function of the earlier remedies, the observation, and the time.
 */
import { type GoalOutcome, REMEDY_WINDOW_MS } from '@deed/proto/goal'
import type { Remedy } from '../store/goals.ts'

export type Verdict = 'rest' | 'remedy' | 'give_up'

/** The remedies that still count. */
export const recentRemedies = (remedies: readonly Remedy[], now: number): Remedy[] =>
  remedies.filter(({ at }) => Date.parse(at) > now - REMEDY_WINDOW_MS)

/**
 * A goal that keeps drifting is given up, whatever undoes it, including its own check or remedy.
 *
 * @param now milliseconds since 1970
 */
export function judge(
  goal: { remedies: readonly Remedy[]; remedies_max: number },
  outcome: GoalOutcome,
  now: number,
): Verdict {
  if (outcome !== 'drifted') return 'rest'
  return recentRemedies(goal.remedies, now).length < goal.remedies_max ? 'remedy' : 'give_up'
}
