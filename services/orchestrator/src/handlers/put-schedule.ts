import { randomUUIDv7 } from 'node:crypto'
import type { ExecutionConfig } from '@deed/config/execution-config'
import type { Handler } from '@deed/mesh/bus'
import { hashJson } from '@deed/mesh/canonical-json'
import { DeedError } from '@deed/proto/errors'
import type { putSchedule as contract } from '@deed/proto/schedule'
import type { Clock } from '../clock.ts'
import { admitRequest, refuseSecrets } from '../intake/door.ts'
import { isoTime } from '../reconcile/draft.ts'
import { admitTiming, nextDue } from '../schedules/due.ts'
import { scheduleView } from '../schedules/schedule-view.ts'
import { storeSchedule } from '../store/schedules.ts'
import type { Database } from '../store/schema.ts'

interface Dependencies {
  db: Database
  clock: Clock
  config: ExecutionConfig
}

export function putSchedule({ db, clock, config }: Dependencies): Handler<typeof contract> {
  return async (input, { principal, log }) => {
    const { name, cron = null, every_ms: everyMs = null, timezone, overlap, catch_up } = input
    if ((cron === null) === (everyMs === null)) {
      throw new DeedError('invalid_request', 'say when it is due: either cron or every_ms', { path: '$.cron' })
    }
    const { task, manifest } = input.request
    if ((task === undefined) === (manifest === undefined)) {
      throw new DeedError('invalid_request', 'say what to do: either task or manifest', { path: '$.request.task' })
    }
    refuseSecrets(config, input)
    const request = admitRequest(config, { ...input.request, dry_run: false }, { at: '$.request' })
    const now = clock.now()
    const timing = { cron, timezone, every_ms: everyMs, anchor: now }
    admitTiming(timing, now)
    const schedule = await storeSchedule(db, {
      ...{ tenant: principal.tenant, user_name: principal.user, name, schedule_id: randomUUIDv7(), request },
      source_hash: hashJson({ ...input, user: principal.user }),
      ...{ cron, timezone, every_ms: everyMs, overlap, catch_up },
      anchor: isoTime(now),
      // There is one: it was admitted.
      next_due_at: isoTime(nextDue(timing, now) ?? now),
    })
    log.info({ schedule: name, next_due_at: schedule.next_due_at }, 'schedule put')
    return scheduleView(schedule)
  }
}
