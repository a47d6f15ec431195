/** Times and money as people say them, short enough for a column. */

const SECOND_MS = 1_000
const MINUTE_S = 60
const HOUR_S = 3_600
const DAY_S = 86_400
/** Below this a tenth of a second is of interest. */
const TENTHS_MS_MAX = 9_950

/** `12 ms`, `1.5 s`, `2 min 5 s`, `3 h`. */
export function duration(ms: number): string {
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`
  if (ms < TENTHS_MS_MAX) return `${(ms / SECOND_MS).toFixed(1).replace('.0', '')} s`
  const seconds = Math.round(ms / SECOND_MS)
  const [size, unit, below, belowUnit] =
    seconds < MINUTE_S
      ? [1, 's', 1, 's']
      : seconds < HOUR_S
        ? [MINUTE_S, 'min', 1, 's']
        : seconds < DAY_S
          ? [HOUR_S, 'h', MINUTE_S, 'min']
          : [DAY_S, 'd', HOUR_S, 'h']
  const rest = Math.floor((seconds % size) / below)
  return `${Math.floor(seconds / size)} ${unit}${rest === 0 ? '' : ` ${rest} ${belowUnit}`}`
}

/** How long ago, in its largest unit: `3 min`. */
export const age = (iso: string, now: number): string => largest(now - Date.parse(iso))

/** `3 min ago`, `in 2 h`. */
export function relative(iso: string, now: number): string {
  const ms = Date.parse(iso) - now
  if (Math.abs(ms) < SECOND_MS) return 'now'
  return ms > 0 ? `in ${largest(ms, Math.round)}` : `${largest(-ms)} ago`
}

/** Absolute and relative: `2026-11-21 08:00 UTC (3 min ago)`. */
export const moment = (iso: string, now: number = Date.now()): string => {
  const utc = new Date(iso).toISOString()
  return `${utc.slice(0, 10)} ${utc.slice(11, 16)} UTC (${relative(iso, now)})`
}

/** What has passed is counted in whole units; what is to come is rounded. */
function largest(ms: number, whole = Math.floor): string {
  const seconds = Math.max(0, whole(ms / SECOND_MS))
  if (seconds < MINUTE_S) return `${seconds} s`
  const minutes = whole(seconds / MINUTE_S)
  if (minutes < HOUR_S / MINUTE_S) return `${minutes} min`
  const hours = whole(seconds / HOUR_S)
  return hours < DAY_S / HOUR_S ? `${hours} h` : `${whole(seconds / DAY_S)} d`
}

export const dollars = (usd: number): string => `$${usd === 0 ? '0' : usd < 0.01 ? usd.toFixed(6) : usd.toFixed(2)}`
