// Times and money in a column.
import { describe, expect, it } from 'vitest'
import { age, dollars, duration } from './amounts.ts'

describe('amounts', () => {
  it('are told in the unit that fits', () => {
    expect([3, 999, 1_500, 61_000, 7_260_000].map(duration)).toEqual([
      '3 ms',
      '999 ms',
      '1.5 s',
      '1 min 1 s',
      '2 h 1 min',
    ])
    expect(age('2026-11-21T08:00:00.000Z', Date.parse('2026-11-21T08:00:59.900Z'))).toBe('59 s')
    expect(age('2026-11-21T08:00:00.000Z', Date.parse('2026-11-23T09:00:00.000Z'))).toBe('2 d')
    expect(age('2026-11-21T08:00:00.000Z', Date.parse('2026-11-21T07:59:59.000Z'))).toBe('0 s')
    expect([0, 0.000_42, 1.5].map(dollars)).toEqual(['$0', '$0.000420', '$1.50'])
  })
})
