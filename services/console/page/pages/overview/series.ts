/** Points of the history as charts need them: one for each minute, also for minutes without executions. Pure. */
import type { Output } from '../../app/contracts.ts'
import { clockTime } from '../../text/times.ts'

type History = Output<'execution.history'>
type HistoryPoint = History['points'][number]

const MINUTE_MS = 60_000

/** @param missing of a minute without executions, and without a value */
export function perMinute<Missing extends number | null>(
  { now, points }: History,
  minutes: number,
  read: (point: HistoryPoint) => number | null,
  missing: Missing,
  zone?: string,
): { label: string; value: number | Missing }[] {
  const last = Math.floor(Date.parse(now) / MINUTE_MS)
  const values = new Map(points.map((point) => [Math.floor(Date.parse(point.start) / MINUTE_MS), read(point)]))
  return Array.from({ length: minutes }, (_, index) => {
    const minute = last - minutes + 1 + index
    return { label: clockTime(minute * MINUTE_MS, zone).slice(0, 5), value: values.get(minute) ?? missing }
  })
}
