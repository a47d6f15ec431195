// Times and money as people say them.
import { describe, expect, it } from 'vitest'
import { age, dollars, duration, moment, relative } from './amounts.ts'

const EIGHT = '2026-11-21T08:00:00.000Z'

describe('amounts', () => {
  it.each([
    [3, '3 ms'],
    [999, '999 ms'],
    [1_500, '1.5 s'],
    [2_000, '2 s'],
    [59_400, '59 s'],
    [59_960, '1 min'],
    [61_000, '1 min 1 s'],
    [119_999, '2 min'],
    [3_600_000, '1 h'],
    [7_260_000, '2 h 1 min'],
    [7_199_999, '2 h'],
    [90_000_000, '1 d 1 h'],
  ])('%d ms are %s', (ms, text) => {
    expect(duration(ms)).toBe(text)
  })

  it('are shown in the largest unit where they say how long ago something was', () => {
    expect(age(EIGHT, Date.parse('2026-11-21T08:00:59.900Z'))).toBe('59 s')
    expect(age(EIGHT, Date.parse('2026-11-23T09:00:00.000Z'))).toBe('2 d')
    expect(age(EIGHT, Date.parse('2026-11-21T07:59:59.000Z'))).toBe('0 s')
    expect(relative(EIGHT, Date.parse('2026-11-21T08:03:59.000Z'))).toBe('3 min ago')
    expect(relative(EIGHT, Date.parse('2026-11-21T05:59:00.000Z'))).toBe('in 2 h')
    expect(relative(EIGHT, Date.parse('2026-11-21T07:00:00.500Z'))).toBe('in 1 h')
    expect(relative(EIGHT, Date.parse(EIGHT))).toBe('now')
    expect(moment('2026-11-21T10:00:00+02:00', Date.parse('2026-11-21T07:30:00Z'))).toBe(
      '2026-11-21 08:00 UTC (in 30 min)',
    )
  })

  it('of money are as exact as they are small', () => {
    expect([0, 0.000_42, 1.5].map(dollars)).toEqual(['$0', '$0.000420', '$1.50'])
  })
})
