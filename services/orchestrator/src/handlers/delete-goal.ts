import type { Handler } from '@deed/mesh/bus'
import type { deleteGoal as contract } from '@deed/proto/goal'
import { dropGoal } from '../store/goals.ts'
import type { Database } from '../store/schema.ts'

export function deleteGoal({ db }: { db: Database }): Handler<typeof contract> {
  return async ({ name }, { principal }) => ({ deleted: await dropGoal(db, principal, name) })
}
