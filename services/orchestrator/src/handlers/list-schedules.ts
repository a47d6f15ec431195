import type { Handler } from '@deed/mesh/bus'
import type { listSchedules as contract } from '@deed/proto/schedule'
import { scheduleView } from '../schedules/schedule-view.ts'
import { readSchedules } from '../store/schedules.ts'
import type { Database } from '../store/schema.ts'

export function listSchedules({ db }: { db: Database }): Handler<typeof contract> {
  return async ({ name }, { principal }) => {
    const schedules = await readSchedules(db, principal, name ?? null)
    return { schedules: schedules.map(scheduleView) }
  }
}
