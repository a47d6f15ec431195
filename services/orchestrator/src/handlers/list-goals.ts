import type { Handler } from '@deed/mesh/bus'
import type { listGoals as contract } from '@deed/proto/goal'
import { goalView } from '../goals/goal-view.ts'
import type { Clock } from '../store/clock.ts'
import { readGoals } from '../store/goals.ts'
import type { Database } from '../store/schema.ts'

export function listGoals({ db, clock }: { db: Database; clock: Clock }): Handler<typeof contract> {
  return async ({ name }, { principal }) => {
    const goals = await readGoals(db, principal, name ?? null)
    return { goals: goals.map((goal) => goalView(goal, clock.now())) }
  }
}
