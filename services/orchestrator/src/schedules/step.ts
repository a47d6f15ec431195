/**
 * The next step of a schedule: a pure function of its row, the time, and whether its last execution has ended.
 *
 * A due time is fired, skipped, or queued, and then counts as handled. At most one is fired per step.
 */
import { type CatchUp, MISSED_AFTER_MS, type Overlap, QUEUED_MAX } from '@deed/proto/schedule'
import { dueBetween, nextDue, type Timing } from './due.ts'

export interface Scheduled extends Timing {
  overlap: Overlap
  catch_up: CatchUp
  next_due_at: number
  queued: readonly number[]
}

export interface Step {
  /** The time of the execution to make. */
  fire: number | undefined
  /** The running execution is cancelled for it. */
  replace: boolean
  queued: number[]
  skipped: number
  /** Null if there is no next time. */
  next_due_at: number | null
}

/** @param running the last execution has not ended */
export function step(schedule: Scheduled, now: number, running: boolean): Step {
  const { overlap, catch_up: catchUp } = schedule
  const due = dueBetween(schedule, schedule.next_due_at, now, QUEUED_MAX)
  const missed = due.filter((at) => at < now - MISSED_AFTER_MS)
  const caught = catchUp === 'all' ? missed : catchUp === 'last' ? missed.slice(-1) : []
  const queued = [...schedule.queued, ...caught]
  let skipped = missed.length - caught.length
  let fire: number | undefined
  let replace = false
  // Queued times go first, one after another.
  if (!running) fire = queued.shift()
  for (const at of due.slice(missed.length)) {
    if (!running && fire === undefined) fire = at
    else if (overlap === 'queue') queued.push(at)
    else if (overlap === 'replace') {
      if (fire !== undefined) skipped++
      fire = at
      replace = running
    } else skipped++
  }
  const over = Math.max(0, queued.length - QUEUED_MAX)
  return {
    fire,
    replace,
    queued: queued.slice(over),
    skipped: skipped + over,
    next_due_at: nextDue(schedule, now),
  }
}
