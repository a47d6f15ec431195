// Every zone's changes of the clock over three years, held against another library's answers.
import { DateTime } from 'luxon'
import { describe, expect, it } from 'vitest'
import { dueBetween, nextDue } from './due.ts'
import { instantsAt, wallTimeAt } from './wall-clock.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const FROM = Date.parse('2024-01-01T00:00:00Z')
const TO = Date.parse('2027-01-01T00:00:00Z')
/** Changes of the clock last at least so long. */
const STEP = 7 * 24 * HOUR

const offset = (instant: number, zone: string) => DateTime.fromMillis(instant, { zone }).offset * MINUTE

/** The instants at which the zone's clock changes, to the minute. */
function changesOf(zone: string): number[] {
  const changes: number[] = []
  for (let low = FROM; low < TO; low += STEP) {
    if (offset(low, zone) === offset(low + STEP, zone)) continue
    let [before, after] = [low, low + STEP]
    while (after - before > MINUTE) {
      const middle = Math.floor((before + after) / 2 / MINUTE) * MINUTE
      if (offset(middle, zone) === offset(before, zone)) before = middle
      else after = middle
    }
    changes.push(after)
  }
  return changes
}

const CHANGES = Intl.supportedValuesOf('timeZone').map((zone) => ({ zone, changes: changesOf(zone) }))

/** Many zones change alike: of those by as much, at the same time on the wall, one is enough. */
const DISTINCT = [
  ...new Map(
    CHANGES.flatMap(({ zone, changes }) => changes.slice(0, 2).map((change) => ({ zone, change }))).map((one) => {
      const [before, after] = [offset(one.change - MINUTE, one.zone), offset(one.change, one.zone)]
      return [`${(one.change + before) % (24 * HOUR)}/${after - before}`, one] as const
    }),
  ).values(),
]

describe('the wall clock of a time zone', () => {
  it('shows each time when another library says so, around every change in every zone for three years', () => {
    let compared = 0
    for (const { zone, changes } of CHANGES) {
      for (const change of changes) {
        const [before, after] = [offset(change - MINUTE, zone), offset(change, zone)]
        for (let wall = change + before - 3 * HOUR; wall <= change + before + 3 * HOUR; wall += 30 * MINUTE) {
          // A time is shown where its own offset takes it back to itself.
          const shown = [wall - before, wall - after].filter((instant) => instant + offset(instant, zone) === wall)
          const expected =
            shown.length === 0
              ? { first: wall - before, second: wall - before }
              : { first: Math.min(...shown), second: Math.max(...shown) }
          expect(instantsAt(wall, zone), `${zone} ${new Date(wall).toISOString()}`).toMatchObject(expected)
          compared++
        }
        expect(wallTimeAt(change, zone)).toBe(change + after)
      }
    }
    expect(compared).toBeGreaterThan(10_000)
  })

  it.each([
    '*/15 * * * *',
    '*/20 2 * * *',
    '0 0-6 * * *',
    '0 */2 * * *',
    '10,40 0,1,2,3,23 * * *',
    '0 0 * * *',
    '@hourly',
    '0 3 * * sun',
    '15 1 L * *',
  ])('comes with "%s" at what the wall shows, across every kind of change of its clock', (cron) => {
    const everyHour = ['*/15 * * * *', '@hourly'].includes(cron)
    for (const { zone, change } of DISTINCT) {
      const [before, after] = [offset(change - MINUTE, zone), offset(change, zone)]
      const [from, to] = [change - 5 * HOUR, change + 5 * HOUR]
      const timing = { cron, timezone: zone, every_ms: null, anchor: 0 }
      const plain = { cron, timezone: 'UTC', every_ms: null, anchor: 0 }
      const wall = dueBetween(
        plain,
        from + Math.min(before, after) - 3 * HOUR,
        to + Math.max(before, after) + 3 * HOUR,
        1_000,
      )
      const expected = new Set<number>()
      for (const one of wall) {
        const shown = [one - before, one - after]
          .filter((instant) => instant + offset(instant, zone) === one)
          .sort((a, b) => a - b)
        for (const at of shown.length === 0 ? [one - before] : everyHour ? shown : shown.slice(0, 1)) expected.add(at)
      }
      const due = [...expected].filter((at) => at >= from && at <= to).sort((a, b) => a - b)
      const label = `${zone} ${new Date(change).toISOString()}`
      const found: number[] = []
      for (let at = nextDue(timing, from - 1); at !== null && at <= to; at = nextDue(timing, at)) found.push(at)
      expect(found, label).toEqual(due)
      expect(dueBetween(timing, from, to, 1_000), label).toEqual(due)
      expect(dueBetween(timing, from, to, 3), label).toEqual(due.slice(-3))
    }
  })
})
