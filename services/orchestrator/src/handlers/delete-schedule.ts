import type { Handler } from '@deed/mesh/bus'
import type { deleteSchedule as contract } from '@deed/proto/schedule'
import { dropSchedule } from '../store/schedules.ts'
import type { Database } from '../store/schema.ts'

export function deleteSchedule({ db }: { db: Database }): Handler<typeof contract> {
  return async ({ name }, { principal }) => ({ deleted: await dropSchedule(db, principal, name) })
}
