/**
 * When a schedule is due: pure functions of its timing and the time.
 *
 * Cron is read in the schedule's time zone. Where the clocks go forward, a time that does not exist comes as much
 * later; where they go back, a time that exists twice comes once, the first time.
 */
import { DeedError } from '@deed/proto/errors'
import { Cron } from 'croner'

export interface Timing {
  cron: string | null
  timezone: string
  every_ms: number | null
  /** Milliseconds since 1970, as all times here. */
  anchor: number
}

const FIELDS = ['second', 'minute', 'hour', 'day of the month', 'month', 'day of the week'] as const
const NICKNAMES = /^@(yearly|annually|monthly|weekly|daily|hourly)$/i

/** The first time after this one; null where there is none any more. */
export function nextDue({ cron, timezone, every_ms: everyMs, anchor }: Timing, after: number): number | null {
  if (cron !== null) return cronOf(cron, timezone).nextRun(new Date(after))?.getTime() ?? null
  const every = everyMs ?? Number.POSITIVE_INFINITY
  return anchor + Math.max(1, Math.floor((after - anchor) / every) + 1) * every
}

/** The times from one to another, both included: the last so many of them, in order. */
export function dueBetween(timing: Timing, from: number, to: number, max: number): number[] {
  if (from > to) return []
  const { cron, timezone, every_ms: everyMs, anchor } = timing
  if (cron !== null) {
    // Croner's times have whole seconds, and the reference itself is not among them.
    return cronOf(cron, timezone)
      .previousRuns(max, new Date(to + 1_000))
      .map((date) => date.getTime())
      .filter((at) => at >= from && at <= to)
      .reverse()
  }
  const every = everyMs ?? Number.POSITIVE_INFINITY
  const last = anchor + Math.floor((to - anchor) / every) * every
  const times: number[] = []
  for (let at = last; at >= from && at > anchor && times.length < max; at -= every) times.push(at)
  return times.reverse()
}

/**
 * @param now in milliseconds
 * @throws {DeedError} that says which part of the expression cannot be, and where it begins
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
          `cron: "${text}" at character ${(parts[index]?.index ?? 0) + 1} cannot be the ${names[index]}: ${problem}`,
          { path },
        )
      }
    })
  }
  const problem = problemOf(cron)
  if (problem !== undefined) throw new DeedError('invalid_request', `cron: ${problem}`, { path })
  if (nextDue(timing, now) === null) {
    throw new DeedError('out_of_range', `cron: there is no time at which "${cron}" comes`, { path })
  }
}

const cronOf = (pattern: string, timezone: string): Cron => new Cron(pattern, { timezone, paused: true })

function problemOf(pattern: string): string | undefined {
  try {
    cronOf(pattern, 'UTC')
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^CronPattern: /, '') : 'it cannot be read'
  }
}
