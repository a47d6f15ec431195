// When something is due, with the time given: no clock is asked.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { admitTiming, dueBetween, nextDue, type Timing } from './due.ts'

const at = (text: string): number => Date.parse(text)
const iso = (times: readonly (number | null)[]): (string | null)[] =>
  times.map((time) => (time === null ? null : new Date(time).toISOString()))
const cron = (pattern: string, timezone = 'UTC'): Timing => ({ cron: pattern, timezone, every_ms: null, anchor: 0 })
const every = (ms: number, anchor = 0): Timing => ({ cron: null, timezone: 'UTC', every_ms: ms, anchor })

function following(timing: Timing, after: string, count: number): (string | null)[] {
  const times: (number | null)[] = []
  let last = at(after)
  for (let index = 0; index < count; index++) {
    const next = nextDue(timing, last)
    times.push(next)
    last = next ?? last
  }
  return iso(times)
}

describe('the times of a schedule', () => {
  it('keep the hour on the wall where the clocks change, and come once a day', () => {
    const nightly = cron('30 2 * * *', 'Europe/Berlin')
    // On 29 March there is no half past two: it comes as much later.
    expect(following(nightly, '2026-03-27T12:00:00Z', 3)).toEqual([
      '2026-03-28T01:30:00.000Z',
      '2026-03-29T01:30:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ])
    // On 25 October there are two: it comes at the first.
    expect(following(nightly, '2026-10-24T12:00:00Z', 3)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
      '2026-10-27T01:30:00.000Z',
    ])
  })

  it.each([
    ['several hours, of which one exists twice', '0 1,2,3 * * *', '2026-10-24T22:30:00Z', ['23:00', '00:00', '02:00']],
    ['a range of hours', '0 0-6 * * *', '2026-10-24T21:30:00Z', ['22:00', '23:00', '00:00', '02:00', '03:00']],
    ['every second hour', '0 */2 * * *', '2026-10-24T21:30:00Z', ['22:00', '00:00', '03:00', '05:00']],
    ['every hour, both times', '0 * * * *', '2026-10-24T22:30:00Z', ['23:00', '00:00', '01:00', '02:00']],
    ['every half hour, without a gap', '*/30 * * * *', '2026-10-25T00:15:00Z', ['00:30', '01:00', '01:30', '02:00']],
    ['minutes of a missing hour, as much later', '*/20 2 * * *', '2026-03-29T00:00:00Z', ['01:00', '01:20', '01:40']],
    ['a missing hour and the one after it, once', '0 2,3 * * *', '2026-03-29T00:00:00Z', ['01:00', '00:00']],
    ['a missing hour later than the one after it', '15 2,3 * * *', '2026-03-28T23:00:00Z', ['01:15', '00:15']],
    ['every hour in spring, without a gap', '45 * * * *', '2026-03-29T00:00:00Z', ['00:45', '01:45', '02:45']],
  ])('follow both changes of the clock for %s', (_, pattern, after, expected) => {
    const times = following(cron(pattern, 'Europe/Berlin'), after, expected.length)
    expect(times.map((time) => time?.slice(11, 16))).toEqual(expected)
  })

  it('are counted from where an interval began, whenever it is asked', () => {
    expect(following(every(90_000, at('2026-01-01T00:00:00Z')), '2026-01-01T00:00:00Z', 2)).toEqual([
      '2026-01-01T00:01:30.000Z',
      '2026-01-01T00:03:00.000Z',
    ])
  })

  it('have no gap and no repetition, however they are asked for', () => {
    const timing = fc.oneof(
      fc.integer({ min: 1_000, max: 5_000_000 }).map((ms) => every(ms, 17)),
      fc
        .constantFrom('* * * * * *', '*/7 * * * *', '30 2 * * *', '0 12 * * mon-fri')
        .chain((one) =>
          fc.constantFrom('America/New_York', 'Australia/Lord_Howe').map((timezone) => cron(one, timezone)),
        ),
    )
    fc.assert(
      fc.property(timing, fc.integer({ min: 0, max: 2 ** 41 }), (one, from) => {
        const first = nextDue(one, from)!
        const second = nextDue(one, first)!
        expect(first).toBeGreaterThan(from)
        expect(second).toBeGreaterThan(first)
        expect(dueBetween(one, first, second, 10)).toEqual([first, second])
        expect(dueBetween(one, first, second - 1, 10)).toEqual([first])
        expect(dueBetween(one, first, second, 1)).toEqual([second])
        expect(dueBetween(one, first + 1, second - 1, 10)).toEqual([])
      }),
      { numRuns: 60 },
    )
  })
})

describe('an expression that cannot be', () => {
  const refusal = (timing: Timing): unknown => {
    try {
      admitTiming(timing, at('2026-01-01T00:00:00Z'))
      return undefined
    } catch (error) {
      return error
    }
  }

  it.each([
    ['61 * * * *', '"61" at character 1 is not a valid minute'],
    ['0 3 * 13 *', '"13" at character 7 is not a valid month'],
    ['*/0 * * * *', '"*/0" at character 1 is not a valid minute'],
    ['* * * *', 'cron has 4 fields'],
    ['* * * * * * *', 'cron has 7 fields'],
    ['2026-01-01T00:00:00', 'cron has 1 fields'],
  ])('is refused with its place: %s', (pattern, message) => {
    expect(refusal(cron(pattern))).toMatchObject({
      code: 'invalid_request',
      path: '$.cron',
      message: expect.stringContaining(message) as string,
    })
  })

  it('is refused where it never comes, or nobody knows the time zone', () => {
    expect(refusal(cron('0 0 30 2 *'))).toMatchObject({ code: 'out_of_range' })
    expect(refusal(cron('0 3 * * *', 'Mars/Olympus'))).toMatchObject({ path: '$.timezone' })
    expect(refusal(cron('@daily', 'Europe/Berlin'))).toBeUndefined()
  })
})
