/**
 * When a schedule is due: pure functions of its timing and the time.
 *
 * Cron expressions refer to wall-clock time in the schedule's time zone. If the clock goes forward, a skipped time is
 * shifted by the change; if it goes back, a repeated time occurs once, the first time. An expression for every hour of
 * the day occurs in both repeated hours, so it has no gap.
 */
import { DeedError } from '@deed/proto/errors'
import { Cron } from 'croner'
import { changeNear, instantsAt, wallTimeAt } from './wall-clock.ts'

export interface Timing {
  cron: string | null
  timezone: string
  every_ms: number | null
  /** Milliseconds since 1970, as all times in this file. */
  anchor: number
}

const FIELDS = ['second', 'minute', 'hour', 'day of the month', 'month', 'day of the week'] as const
const NICKNAMES = /^@(yearly|annually|monthly|weekly|daily|hourly)$/i

/** The next time after the given one; null if there is none. */
export function nextDue({ cron, timezone, every_ms: everyMs, anchor }: Timing, after: number): number | null {
  if (cron !== null) return nextOnWall(cron, timezone, after)
  const every = everyMs ?? Number.POSITIVE_INFINITY
  return anchor + Math.max(1, Math.floor((after - anchor) / every) + 1) * every
}

/** The times between two instants, both included: the last `max` of them, in order. */
export function dueBetween(timing: Timing, from: number, to: number, max: number): number[] {
  if (from > to) return []
  const { cron, timezone, every_ms: everyMs, anchor } = timing
  if (cron !== null) return dueOnWallBetween(cron, timezone, { from, to, max })
  const every = everyMs ?? Number.POSITIVE_INFINITY
  const last = anchor + Math.floor((to - anchor) / every) * every
  const times: number[] = []
  for (let at = last; at >= from && at > anchor && times.length < max; at -= every) times.push(at)
  return times.reverse()
}

/**
 * @param now in milliseconds
 * @throws {DeedError} that says which part of the expression is invalid, and where it begins
 */
export function admitTiming(timing: Timing, now: number): void {
  const { cron, timezone } = timing
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch {
    throw new DeedError('invalid_request', `there is no time zone "${timezone}"; use a name such as Europe/Berlin`, {
      path: '$.timezone',
    })
  }
  if (cron === null) return
  const path = '$.cron'
  const parts = [...cron.matchAll(/\S+/g)]
  if (!NICKNAMES.test(cron)) {
    if (parts.length !== 5 && parts.length !== 6) {
      throw new DeedError(
        'invalid_request',
        `cron has ${parts.length} fields; it needs five (minute, hour, day, month, weekday), or six with the second first`,
        { path },
      )
    }
    const names = FIELDS.slice(FIELDS.length - parts.length)
    parts.forEach(([text], index) => {
      const alone = parts.map((_, other) => (other === index ? text : '*')).join(' ')
      const problem = problemOf(alone)
      if (problem !== undefined) {
        throw new DeedError(
          'invalid_request',
          `cron: "${text}" at character ${(parts[index]?.index ?? 0) + 1} is not a valid ${names[index]}: ${problem}`,
          { path },
        )
      }
    })
  }
  const problem = problemOf(cron)
  if (problem !== undefined) throw new DeedError('invalid_request', `cron: ${problem}`, { path })
  if (nextDue(timing, now) === null) {
    throw new DeedError('out_of_range', `cron: "${cron}" never occurs; change day or month`, { path })
  }
}

/** Wall-clock times as if they were UTC, where no clock changes. */
const onWall = (pattern: string): Cron => new Cron(pattern, { timezone: 'UTC', paused: true })

function nextOnWall(cron: string, timezone: string, after: number): number | null {
  const times = onWall(cron)
  let next: number | null = null
  // Near a clock change, a wall-clock time that has passed may occur again.
  let shown = times.nextRun(new Date(wallTimeAt(after, timezone) - changeNear(after, timezone)))
  for (; shown !== null; shown = times.nextRun(shown)) {
    const { first, second, noneBefore } = instantsAt(shown.getTime(), timezone)
    for (const at of second !== first && comesEveryHour(cron) ? [first, second] : [first]) {
      if (at > after && (next === null || at < next)) next = at
    }
    if (next !== null && noneBefore >= next) return next
  }
  return next
}

function dueOnWallBetween(
  cron: string,
  timezone: string,
  { from, to, max }: { from: number; to: number; max: number },
): number[] {
  const last = new Date(wallTimeAt(to, timezone) + changeNear(to, timezone) + 1_000)
  // Several wall-clock times may be one instant, so the first guess of the start may be too late.
  for (let guessed = max; ; guessed *= 2) {
    const shown = onWall(cron).previousRuns(guessed, last)
    const oldest = shown.length < guessed ? undefined : shown.at(-1)
    const begin = oldest === undefined ? from : Math.max(from, instantsAt(oldest.getTime(), timezone).first)
    const due: number[] = []
    let at = nextOnWall(cron, timezone, begin - 1)
    for (; at !== null && at <= to; at = nextOnWall(cron, timezone, at)) due.push(at)
    if (due.length >= max || begin === from) return due.slice(-max)
  }
}

/** Whether an expression names every hour of the day, so that it follows elapsed time. */
function comesEveryHour(cron: string): boolean {
  if (/^@hourly$/i.test(cron)) return true
  const hours = cron.startsWith('@') ? undefined : cron.trim().split(/\s+/).at(-4)
  const day = onWall(`0 ${hours ?? 0} * * *`).nextRuns(24, new Date(-1))
  return day[23]?.getTime() === 23 * 60 * 60 * 1_000
}

function problemOf(pattern: string): string | undefined {
  try {
    onWall(pattern)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^CronPattern: /, '') : 'it cannot be parsed'
  }
}
