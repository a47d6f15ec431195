/** What the clock on the wall shows in a time zone, and when it shows it, through changes between summer and winter time. */
import { Temporal } from 'temporal-polyfill'

/** No zone is further from UTC than this, and no change of its clock is larger. */
const CHANGE_MS_MAX = 26 * 60 * 60 * 1_000

/** A date and time on the wall, as milliseconds since 1970 if it were in UTC. */
export type WallTime = number

export function wallTimeAt(instant: number, timezone: string): WallTime {
  return instant + offsetAt(instant, timezone)
}

/**
 * When the wall shows a time. Where the clock goes back over it, `first` and `second` differ. Where it goes forward over
 * it, the time is missing, and comes as much later as the clock went forward. What the wall shows after it comes at
 * `noneBefore` or later.
 */
export function instantsAt(wall: WallTime, timezone: string): { first: number; second: number; noneBefore: number } {
  const shown = Temporal.Instant.fromEpochMilliseconds(wall).toZonedDateTimeISO('UTC').toPlainDateTime()
  const at = (disambiguation: 'earlier' | 'later') =>
    shown.toZonedDateTime(timezone, { disambiguation }).epochMilliseconds
  const [earlier, later] = [at('earlier'), at('later')]
  const missing = earlier !== later && wallTimeAt(earlier, timezone) !== wall
  return { first: missing ? later : earlier, second: later, noneBefore: earlier }
}

/** By how many milliseconds the clock changes around an instant: 0 unless a change is no further off than its own size. */
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
