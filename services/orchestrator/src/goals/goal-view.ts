/** A goal as it is shown. */
import type { GoalView } from '@deed/proto/goal'
import { isoTime } from '../execution/iso-time.ts'
import type { GoalRow } from '../store/goals.ts'
import { recentRemedies } from './judge.ts'

/** @param now milliseconds since 1970 */
export function goalView(goal: GoalRow, now: number): GoalView {
  const { name, goal_id, task, status, paused, why, interval_ms, remedies_max, checks, drifts, execution_id } = goal
  const rests = paused || status === 'blocked'
  return {
    ...{ name, goal_id, task, status, paused, why, interval_ms, remedies_max, checks, drifts, execution_id },
    user: goal.user_name,
    actions: goal.steps.map(({ action }) => action),
    agreed_by: [...new Set(Object.values(goal.agreed ?? {}).map(({ by }) => by))].join(', ') || null,
    last_check_at: time(goal.last_check_at),
    last_outcome: goal.last_outcome,
    last_seen: goal.last_seen,
    next_check_at: rests ? null : time(goal.next_check_at),
    last_drift_at: time(goal.last_drift_at),
    remedies: recentRemedies(goal.remedies, now),
    created_at: isoTime(Date.parse(goal.created_at)),
  }
}

const time = (text: string | null): string | null => (text === null ? null : isoTime(Date.parse(text)))
