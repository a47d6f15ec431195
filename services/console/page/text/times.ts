/** Times and amounts as people read them. */

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** "12 s ago", "in 3 min", "5 d ago". @param at and `now` in milliseconds since 1970 */
export function relativeTime(at: number, now: number): string {
  const ms = Math.abs(now - at)
  if (ms < 5 * SECOND) return 'just now'
  const [unitMs, unit] =
    ms < MINUTE ? [SECOND, 's'] : ms < HOUR ? [MINUTE, 'min'] : ms < 2 * DAY ? [HOUR, 'h'] : [DAY, 'd']
  const text = `${Math.floor(ms / unitMs)} ${unit}`
  return at <= now ? `${text} ago` : `in ${text}`
}

/** "2026-11-30 14:02:11 GMT+1". @param zone as Intl names it; absent: that of the browser */
export function exactTime(at: number, zone?: string): string {
  const parts = formatOf(zone).formatToParts(at)
  const part = (name: Intl.DateTimeFormatPartTypes): string => parts.find(({ type }) => type === name)?.value ?? ''
  return `${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')}:${part('second')} ${part('timeZoneName')}`
}

/** To make one takes longer than all else that a row of a table needs. */
const formats = new Map<string | undefined, Intl.DateTimeFormat>()

function formatOf(zone: string | undefined): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-GB', {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
    ...(zone ? { timeZone: zone } : {}),
  })
  formats.set(zone, made)
  return made
}

/** "14:02:11", in the zone that is given. */
export const clockTime = (at: number, zone?: string): string => exactTime(at, zone).slice(11, 19)

/** "850 ms", "2.4 s", "3 min 5 s", "2 h 10 min". */
export function duration(ms: number): string {
  if (ms < SECOND) return `${Math.round(ms)} ms`
  if (ms < MINUTE) return `${(ms / SECOND).toFixed(ms < 10 * SECOND ? 1 : 0)} s`
  if (ms < HOUR) return pair(ms, MINUTE, 'min', SECOND, 's')
  return ms < 2 * DAY ? pair(ms, HOUR, 'h', MINUTE, 'min') : pair(ms, DAY, 'd', HOUR, 'h')
}

function pair(ms: number, unitMs: number, unit: string, restMs: number, rest: string): string {
  const left = Math.floor((ms % unitMs) / restMs)
  return `${Math.floor(ms / unitMs)} ${unit}${left > 0 ? ` ${left} ${rest}` : ''}`
}

/** "4,120". */
const numbers = new Intl.NumberFormat('en-US')
export const count = (value: number): string => numbers.format(value)

/** "1 task", "2 tasks". */
export const counted = (value: number, noun: string): string => `${count(value)} ${noun}${value === 1 ? '' : 's'}`

/** "$0.0042", "$12.30": small amounts with the digits that matter. */
export const dollars = (usd: number): string => `$${usd === 0 || usd >= 1 ? usd.toFixed(2) : usd.toPrecision(2)}`

/** "99.2 %"; "-" where nothing was measured. */
export const percent = (share: number | null): string =>
  share === null ? '-' : `${(share * 100).toFixed(share === 1 || share === 0 ? 0 : 1)} %`

/** What was spent of a budget, 0 to 1 and more; null without one. Of a budget of nothing all is spent. */
export const shareOf = (spent: number, budget: number | null): number | null =>
  budget === null ? null : budget > 0 ? spent / budget : 1

/** An address's time, exact or before now (`24h`), as an exact one. @param now milliseconds since 1970 */
export function exactSince(text: string, now: number): string {
  const [, amount, unit] = text.match(/^(\d+)([mhd])$/) ?? []
  if (amount === undefined) return new Date(text).toISOString()
  // To ten seconds, so that pages that ask at the same time ask the same, and share the answer.
  const at = now - (now % (10 * SECOND))
  return new Date(at - Number(amount) * (unit === 'm' ? MINUTE : unit === 'h' ? HOUR : DAY)).toISOString()
}
