/** Money by day and by model. Pure. */
import type { Output } from '../../app/contracts.ts'
import { lastDays } from '../../text/days.ts'

type Day = Output<'model.stats'>['days'][number]

/** Every day up to today (UTC), also those without a call. @param now milliseconds since 1970 */
export function costByDay(rows: readonly Day[], days: number, now: number): { day: string; usd: number }[] {
  return lastDays(days, now).map((day) => ({
    day,
    usd: rows.reduce((sum, row) => sum + (row.day === day ? row.cost_usd : 0), 0),
  }))
}

/** The most expensive one first. */
export function perModel(rows: readonly Day[]): { model: string; calls: number; usd: number }[] {
  const models = new Map<string, { model: string; calls: number; usd: number }>()
  for (const { model, calls, cost_usd: usd } of rows) {
    const before = models.get(model) ?? { model, calls: 0, usd: 0 }
    models.set(model, { model, calls: before.calls + calls, usd: before.usd + usd })
  }
  return [...models.values()].sort((a, b) => b.usd - a.usd || b.calls - a.calls)
}
