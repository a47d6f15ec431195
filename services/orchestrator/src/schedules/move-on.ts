/**
 * Advances a schedule: makes the execution of a due time, then stores that the time has passed.
 *
 * The time is part of the execution's key, so a crash in between, or two replicas, make one execution per time.
 */
import { errorBody } from '@deed/mesh/bus'
import { crashPoint } from '@deed/process/crash-point'
import { DeedError } from '@deed/proto/errors'
import type { ExecutionId } from '@deed/proto/ids'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { startSpan } from '@deed/telemetry/span'
import { isoTime } from '../execution/iso-time.ts'
import { type Accepting, acceptExecution } from '../intake/accept-execution.ts'
import { moveSchedule, type ScheduleRow } from '../store/schedules.ts'
import type { Database } from '../store/schema.ts'
import { timingOf } from './schedule-view.ts'
import { step } from './step.ts'

/** How soon a schedule whose times wait for a running execution is checked again. */
const FOLLOW_MS = 1_000

/** @returns when it is due again, in milliseconds; undefined if another replica decides that, or never */
export async function moveOn(
  accepting: Accepting & { db: Database },
  schedule: ScheduleRow,
): Promise<number | undefined> {
  const { db, clock, log } = accepting
  const now = clock.now()
  const {
    fire,
    replace,
    queued,
    skipped,
    next_due_at: next,
  } = step(
    {
      ...timingOf(schedule),
      overlap: schedule.overlap,
      catch_up: schedule.catch_up,
      next_due_at: Date.parse(schedule.next_due_at),
      queued: schedule.queued.map((at) => Date.parse(at)),
    },
    now,
    await isRunning(accepting, schedule.execution_id),
  )
  if (replace && schedule.execution_id !== null) await cancel(accepting, schedule, schedule.execution_id)
  const fired = fire === undefined ? undefined : await makeExecution(accepting, schedule, fire)
  crashPoint('orchestrator.after_fire')
  // If there is no next time, it is checked for queued times only.
  const at = queued.length > 0 ? Math.min(now + FOLLOW_MS, next ?? Number.POSITIVE_INFINITY) : next
  const moved = await moveSchedule(db, schedule, {
    next_due_at: next === null ? schedule.next_due_at : isoTime(next),
    queued: queued.map(isoTime),
    last_due_at: fire === undefined ? schedule.last_due_at : isoTime(fire),
    execution_id: fired?.id ?? schedule.execution_id,
    fired: schedule.fired + (fired?.id === undefined ? 0 : 1),
    skipped: schedule.skipped + skipped,
    why: fired === undefined ? schedule.why : fired.why,
    paused: at === null,
    next_check_at: isoTime(at ?? now),
  })
  if (skipped > 0) log.info({ schedule: schedule.name, skipped }, 'times of a schedule skipped')
  return moved ? (at ?? undefined) : undefined
}

async function isRunning({ driver }: Accepting, id: ExecutionId | null): Promise<boolean> {
  if (id === null) return false
  try {
    return !FINAL_EXECUTION_STATUSES.has((await driver.read(id)).execution.status)
  } catch (error) {
    if (error instanceof DeedError && error.code === 'not_found') return false
    throw error
  }
}

async function cancel({ driver, log }: Accepting, schedule: ScheduleRow, id: ExecutionId): Promise<void> {
  try {
    await driver.apply(id, {
      type: 'cancelled',
      reason: `the next time of the schedule ${schedule.name} is due`,
      undo: false,
      by: schedule.user_name,
    })
  } catch (error) {
    // It has ended by itself.
    if (!(error instanceof DeedError)) throw error
    log.info({ err: error, schedule: schedule.name, execution_id: id }, 'not cancelled')
  }
}

/** @throws {DeedError} if it may work later: the time counts as unhandled then */
async function makeExecution(
  accepting: Accepting,
  { tenant, user_name: user, name, schedule_id, request }: ScheduleRow,
  due: number,
): Promise<{ id: ExecutionId | undefined; why: string | null }> {
  const span = startSpan('fire schedule', { attributes: { 'deed.schedule.name': name } })
  try {
    const accepted = await acceptExecution(accepting, {
      request: { ...request, idempotency_key: `schedule:${schedule_id}:${isoTime(due)}` },
      principal: { tenant, user },
      trace: span.trace,
      root: span.open(),
      waiter: undefined,
      cause: { schedule: name, due_at: isoTime(due) },
    })
    if (!accepted.existed) span.leaveOpen()
    accepted.planned.catch((error: unknown) =>
      accepting.log.warn({ err: error, execution_id: accepted.id }, 'the resync will plan it'),
    )
    return { id: accepted.id, why: null }
  } catch (error) {
    const body = errorBody(error)
    if (body.retryable) throw error
    accepting.log.warn({ err: error, schedule: name }, 'a time of a schedule led to no execution')
    return { id: undefined, why: body.message }
  } finally {
    span.end()
  }
}
