/** How a template did over time, from the days on which it was used. Pure. */
import type { Output } from '../../app/contracts.ts'
import { lastDays } from '../../text/days.ts'
import { percent } from '../../text/times.ts'

export type Day = Output<'template.history'>['days'][number]

/** Every day up to today, also those without a use. @param now milliseconds since 1970 */
export function byDay(
  rows: readonly Day[],
  days: number,
  now: number,
): { day: string; uses: number; successes: number }[] {
  return lastDays(days, now).map((day) => {
    const of = rows.filter((row) => row.day === day)
    return { day, uses: sum(of, 'uses'), successes: sum(of, 'successes') }
  })
}

export interface VersionRow {
  readonly version: number
  readonly uses: number
  readonly successes: number
  readonly averageMs: number
  readonly costUsd: number
}

/** The newest version first. */
export function versionsOf(rows: readonly Day[]): VersionRow[] {
  const versions = [...new Set(rows.map(({ version }) => version))].sort((a, b) => b - a)
  return versions.map((version) => {
    const of = rows.filter((row) => row.version === version)
    const uses = sum(of, 'uses')
    const averageMs = of.reduce((total, row) => total + row.average_ms * row.uses, 0) / Math.max(1, uses)
    return { version, uses, successes: sum(of, 'successes'), averageMs, costUsd: sum(of, 'cost_usd') }
  })
}

/** The later half of the uses beside the earlier half, in a sentence; with too few uses it says that. */
export function trendOf(rows: readonly Day[]): string {
  const uses = sum(rows, 'uses')
  if (uses < USES_MIN) return `${uses} uses are too few to speak of a trend.`
  let counted = 0
  const half = rows.findIndex((row) => {
    counted += row.uses
    return counted >= uses / 2
  })
  const [before, after] = [rows.slice(0, half + 1), rows.slice(half + 1)]
  if (after.length === 0) return `${percent(sum(before, 'successes') / uses)} verified, all on one day.`
  const [was, is] = [before, after].map((part) => sum(part, 'successes') / sum(part, 'uses')) as [number, number]
  const change = Math.abs(is - was) < CHANGE_MIN ? 'As before' : is > was ? 'Better' : 'Worse'
  return `${change}: ${percent(is)} verified lately, ${percent(was)} before that.`
}

const USES_MIN = 10
const CHANGE_MIN = 0.02

const sum = (rows: readonly Day[], name: 'uses' | 'successes' | 'cost_usd'): number =>
  rows.reduce((total, row) => total + row[name], 0)
