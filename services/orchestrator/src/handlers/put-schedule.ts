import { randomUUIDv7 } from 'node:crypto'
import type { ExecutionConfig } from '@deed/config/execution-config'
import { hashJson } from '@deed/json/canonical-json'
import type { Handler } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import type { putSchedule as contract } from '@deed/proto/schedule'
import { isoTime } from '../execution/iso-time.ts'
import type { CheckDependencies } from '../goals/check-goal.ts'
import { admitRequest, refuseSecrets } from '../intake/validate-request.ts'
import { outcomesOfRequest, refuseAgainstGoals } from '../planning/contradictions.ts'
import { admitTiming, nextDue } from '../schedules/due.ts'
import { scheduleView } from '../schedules/schedule-view.ts'
import { readGoals } from '../store/goals.ts'
import { storeSchedule } from '../store/schedules.ts'

interface Dependencies extends CheckDependencies {
  config: ExecutionConfig
}

export function putSchedule(dependencies: Dependencies): Handler<typeof contract> {
  const { db, clock, config, planning } = dependencies
  return async (input, { principal, log }) => {
    const { name, cron = null, every_ms: everyMs = null, timezone, overlap, catch_up } = input
    if ((cron === null) === (everyMs === null)) {
      throw new DeedError('invalid_request', 'give either cron or every_ms: when it is due', { path: '$.cron' })
    }
    const { task, manifest } = input.request
    if ((task === undefined) === (manifest === undefined)) {
      throw new DeedError('invalid_request', 'give either task or manifest: what to do', { path: '$.request.task' })
    }
    refuseSecrets(config, input)
    const request = admitRequest(config, { ...input.request, dry_run: false }, { at: '$.request' })
    const now = clock.now()
    const timing = { cron, timezone, every_ms: everyMs, anchor: now }
    admitTiming(timing, now)
    const goals = await readGoals(db, principal, null)
    if (goals.length > 0) {
      const outcomes = await outcomesOfRequest(dependencies, principal, request)
      refuseAgainstGoals(planning.workspaces, goals, `the schedule ${name}`, outcomes)
    }
    const schedule = await storeSchedule(db, {
      ...{ tenant: principal.tenant, user_name: principal.user, name, schedule_id: randomUUIDv7(), request },
      source_hash: hashJson({ ...input, user: principal.user }),
      ...{ cron, timezone, every_ms: everyMs, overlap, catch_up },
      anchor: isoTime(now),
      // Admission has checked that there is one.
      next_due_at: isoTime(nextDue(timing, now) ?? now),
    })
    log.info({ schedule: name, next_due_at: schedule.next_due_at }, 'schedule put')
    return scheduleView(schedule)
  }
}
