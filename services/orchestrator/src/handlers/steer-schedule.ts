/** Pauses a schedule, whose times then pass, or resumes it with the next one. */
import type { Handler } from '@deed/mesh/bus'
import type { pauseSchedule, resumeSchedule } from '@deed/proto/schedule'
import { isoTime } from '../execution/iso-time.ts'
import { nextDue } from '../schedules/due.ts'
import { scheduleView, timingOf } from '../schedules/schedule-view.ts'
import type { Clock } from '../store/clock.ts'
import { readSchedules, steerSchedule as steer } from '../store/schedules.ts'
import type { Database } from '../store/schema.ts'

export function steerSchedule(
  { db, clock }: { db: Database; clock: Clock },
  verb: 'pause' | 'resume',
): Handler<typeof pauseSchedule | typeof resumeSchedule> {
  return async ({ name }, { principal }) => {
    const [present] = await readSchedules(db, principal, name)
    const next = present === undefined ? null : nextDue(timingOf(present), clock.now())
    return scheduleView(await steer(db, principal, name, verb === 'pause', next === null ? null : isoTime(next)))
  }
}
