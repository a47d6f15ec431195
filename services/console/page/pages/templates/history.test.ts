import { expect, it } from 'vitest'
import { byDay, trendOf, versionsOf } from './history.ts'

const day = (date: number, uses: number, successes: number, more: object = {}) => ({
  day: `2026-01-0${date}`,
  version: 1,
  uses,
  successes,
  average_ms: 100,
  quality: null,
  cost_usd: 0.01,
  ...more,
})

it('days without a use are there with nothing, and versions of one day are added', () => {
  const points = byDay([day(1, 2, 1), day(3, 1, 1), day(3, 4, 2, { version: 2 })], 3, Date.UTC(2026, 0, 3, 12))
  expect(points).toEqual([
    { day: '2026-01-01', uses: 2, successes: 1 },
    { day: '2026-01-02', uses: 0, successes: 0 },
    { day: '2026-01-03', uses: 5, successes: 3 },
  ])
})

it('the time of a version is weighted by its uses, and the newest comes first', () => {
  const rows = versionsOf([day(1, 1, 1, { average_ms: 400 }), day(2, 3, 3), day(2, 1, 0, { version: 2 })])
  expect(rows.map(({ version, uses, averageMs }) => [version, uses, averageMs])).toEqual([
    [2, 1, 100],
    [1, 4, 175],
  ])
})

it('a trend compares the later uses with the earlier ones, and is not claimed from a few', () => {
  expect(trendOf([day(1, 10, 5), day(2, 10, 9)])).toBe('Better: 90.0 % verified lately, 50.0 % before that.')
  expect(trendOf([day(1, 10, 9), day(2, 10, 5)])).toMatch(/^Worse/)
  expect(trendOf([day(1, 10, 9), day(2, 10, 9)])).toMatch(/^As before/)
  expect(trendOf([day(1, 3, 3)])).toMatch(/too few/)
  expect(trendOf([day(1, 30, 30)])).toBe('100 % verified, all on one day.')
})
