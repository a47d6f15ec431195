/** Converts between instants and wall-clock time in a time zone, across changes between summer and winter time. */
import { Temporal } from 'temporal-polyfill'

/** No zone is further from UTC than this, and no clock change is larger. */
const CHANGE_MS_MAX = 26 * 60 * 60 * 1_000

/** A wall-clock date and time, as milliseconds since 1970 as if it were UTC. */
export type WallTime = number

export function wallTimeAt(instant: number, timezone: string): WallTime {
  return instant + offsetAt(instant, timezone)
}

/**
 * The instants of a wall-clock time. If the clock goes back over it, `first` and `second` differ. If it goes forward
 * over it, the time is skipped, and is shifted by the change. Later wall-clock times occur at `noneBefore` or later.
 */
export function instantsAt(wall: WallTime, timezone: string): { first: number; second: number; noneBefore: number } {
  const shown = Temporal.Instant.fromEpochMilliseconds(wall).toZonedDateTimeISO('UTC').toPlainDateTime()
  const at = (disambiguation: 'earlier' | 'later') =>
    shown.toZonedDateTime(timezone, { disambiguation }).epochMilliseconds
  const [earlier, later] = [at('earlier'), at('later')]
  const missing = earlier !== later && wallTimeAt(earlier, timezone) !== wall
  return { first: missing ? later : earlier, second: later, noneBefore: earlier }
}

/** The clock change near an instant, in milliseconds: 0 unless a change is no further away than its own size. */
export function changeNear(instant: number, timezone: string): number {
  const now = offsetAt(instant, timezone)
  const sizes = [-CHANGE_MS_MAX, CHANGE_MS_MAX].map((away) => Math.abs(offsetAt(instant + away, timezone) - now))
  const size = Math.max(...sizes)
  if (size === 0) return 0
  return offsetAt(instant - size, timezone) === offsetAt(instant + size, timezone) ? 0 : size
}

function offsetAt(instant: number, timezone: string): number {
  return Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(timezone).offsetNanoseconds / 1e6
}
