/** A schedule as it is shown. */
import type { ScheduleView } from '@deed/proto/schedule'
import { isoTime } from '../execution/iso-time.ts'
import type { ScheduleRow } from '../store/schedules.ts'
import { nextDue, type Timing } from './due.ts'

const SHOWN = 3

export function scheduleView(schedule: ScheduleRow): ScheduleView {
  const { name, schedule_id, request, cron, timezone, every_ms, overlap, catch_up, paused, execution_id } = schedule
  const { idempotency_key, dry_run, manifest, ...asked } = request
  const brief = manifest && { manifest: { name: manifest.name, tasks: manifest.tasks.length } }
  return {
    ...{ name, schedule_id, cron, timezone, every_ms, overlap, catch_up, paused, execution_id },
    user: schedule.user_name,
    request: { ...asked, ...brief },
    due: paused ? [] : nextTimes(schedule).map(isoTime),
    queued: schedule.queued,
    last_due_at: schedule.last_due_at === null ? null : isoTime(Date.parse(schedule.last_due_at)),
    fired: schedule.fired,
    skipped: schedule.skipped,
    why: schedule.why,
    created_at: isoTime(Date.parse(schedule.created_at)),
  }
}

export const timingOf = ({
  cron,
  timezone,
  every_ms,
  anchor,
}: Omit<Timing, 'anchor'> & { anchor: string }): Timing => ({
  cron,
  timezone,
  every_ms,
  anchor: Date.parse(anchor),
})

function nextTimes(schedule: ScheduleRow): number[] {
  const times = [Date.parse(schedule.next_due_at)]
  while (times.length < SHOWN) {
    const next = nextDue(timingOf(schedule), times.at(-1) ?? 0)
    if (next === null) break
    times.push(next)
  }
  return times
}
