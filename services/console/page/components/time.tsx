/** A time: relative, with the exact one and its zone on hover and for a screen reader. */
import { signal } from '@preact/signals'
import { utc } from '../app/theme.ts'
import { clockTime, exactTime, relativeTime } from '../text/times.ts'

/** Now, in milliseconds since 1970; all relative times of the page step together. */
export const now = signal(Date.now())
setInterval(() => {
  if (!document.hidden) now.value = Date.now()
}, 1_000)

export const zone = (): string | undefined => (utc.value ? 'UTC' : undefined)

/** @param at ISO, or milliseconds since 1970 @param exact shows the exact one itself */
export function Time({ at, exact = false }: { at: string | number; exact?: boolean }) {
  const ms = typeof at === 'number' ? at : Date.parse(at)
  if (Number.isNaN(ms)) return <span>unknown time</span>
  const whole = exactTime(ms, zone())
  return (
    <time dateTime={new Date(ms).toISOString()} title={exact ? relativeTime(ms, now.value) : whole}>
      {exact ? whole : relativeTime(ms, now.value)}
    </time>
  )
}

/** "14:02:11", in the zone of the page. */
export function Clock({ at }: { at: number }) {
  return (
    <time dateTime={new Date(at).toISOString()} title={exactTime(at, zone())}>
      {clockTime(at, zone())}
    </time>
  )
}
