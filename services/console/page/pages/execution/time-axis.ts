/** A time axis on which idle time takes little room, so that a wait of a day does not squeeze a second of work. */

export interface Period {
  /** In milliseconds since 1970. */
  readonly from: number
  readonly to: number
}

/** A part of the axis, `x` and `width` as shares of the whole. */
export interface Segment extends Period {
  readonly idle: boolean
  readonly x: number
  readonly width: number
}

/** A shorter wait is drawn to scale. */
const IDLE_MS_MIN = 2_000
/** And one that is a smaller share of the work. */
const IDLE_SHARE_MIN = 0.15
/** Of the axis, for each wait; all of them together take less than half. */
const IDLE_WIDTH = 0.04
const IDLE_WIDTH_SUM = 0.4

/** @param busy when something was done; they may overlap @param range what is shown */
export function timeAxis(busy: readonly Period[], range: Period): Segment[] {
  const merged = mergedPeriods(busy, range)
  const busyMs = merged.reduce((sum, { from, to }) => sum + to - from, 0)
  const idleMs = Math.max(IDLE_MS_MIN, busyMs * IDLE_SHARE_MIN)
  const parts: { from: number; to: number; idle: boolean }[] = []
  const add = (from: number, to: number, idle: boolean): void => {
    if (to <= from) return
    const last = parts.at(-1)
    if (last && !last.idle && !idle) last.to = to
    else parts.push({ from, to, idle })
  }
  let at = range.from
  for (const { from, to } of merged) {
    add(at, from, from - at > idleMs)
    add(from, to, false)
    at = Math.max(at, to)
  }
  add(at, range.to, range.to - at > idleMs)
  const idleCount = parts.filter(({ idle }) => idle).length
  const workMs = parts.reduce((sum, { from, to, idle }) => sum + (idle ? 0 : to - from), 0)
  const idleWidth =
    idleCount === 0 ? 0 : workMs === 0 ? 1 / idleCount : Math.min(IDLE_WIDTH, IDLE_WIDTH_SUM / idleCount)
  const workWidth = 1 - idleWidth * idleCount
  let x = 0
  return parts.map((part) => {
    const width = part.idle ? idleWidth : (workWidth * (part.to - part.from)) / workMs
    const segment = { ...part, x, width }
    x += width
    return segment
  })
}

function mergedPeriods(periods: readonly Period[], range: Period): Period[] {
  const merged: { from: number; to: number }[] = []
  const within = periods
    .map(({ from, to }) => ({ from: Math.max(from, range.from), to: Math.min(to, range.to) }))
    .filter(({ from, to }) => to >= from)
  for (const { from, to } of within.toSorted((one, other) => one.from - other.from)) {
    const last = merged.at(-1)
    if (last && from <= last.to) last.to = Math.max(last.to, to)
    else merged.push({ from, to })
  }
  return merged
}

/** Where a time is on the axis, 0 to 1. */
export function placeOf(axis: readonly Segment[], at: number): number {
  const segment = axis.find(({ to }) => at <= to) ?? axis.at(-1)
  if (!segment) return 0
  const share = (at - segment.from) / (segment.to - segment.from)
  return segment.x + segment.width * Math.max(0, Math.min(1, share))
}

/** The time at a place of the axis. @param x 0 to 1 */
export function timeAt(axis: readonly Segment[], x: number): number {
  const segment = axis.find((one) => x <= one.x + one.width) ?? axis.at(-1)
  if (!segment) return 0
  const share = segment.width === 0 ? 0 : (x - segment.x) / segment.width
  return Math.round(segment.from + (segment.to - segment.from) * Math.max(0, Math.min(1, share)))
}
