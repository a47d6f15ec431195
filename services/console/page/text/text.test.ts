import { EXECUTION_STATUSES, TASK_STATUSES } from '@deed/proto/states'
import { expect, it } from 'vitest'
import { inertText, shortId } from './inert-text.ts'
import { linePath } from './line-path.ts'
import { statusWords } from './status-words.ts'
import { placeNear, scrollToRow, tableWindow } from './table-window.ts'
import { dollars, duration, exactSince, exactTime, percent, relativeTime, shareOf } from './times.ts'

it('hidden characters of a text are shown as escapes', () => {
  const shown = inertText('rm \u202egnp.\u202c\u200b\u001b[31m', 1_000).text
  expect(shown).toBe('rm \\u{202e}gnp.\\u{202c}\\u{200b}\\u{1b}[31m')
})

it('a long text is cut, never through a character, and the rest is counted', () => {
  expect(inertText('x'.repeat(1_000_000), Number.POSITIVE_INFINITY).omitted).toBe(800_000)
  expect(inertText('ab\u{1f600}cd', 3)).toEqual({ text: 'ab', omitted: 4 })
})

it('one line has no line breaks', () => {
  expect(inertText('a\n  b\tc', 100, { oneLine: true }).text).toBe('a b c')
})

it('an id is short by its end', () => {
  expect(shortId('0194a000-7000-7abc-8def-0123456789ab')).toBe('456789ab')
})

it('times are relative in one unit, before and after now', () => {
  const now = Date.UTC(2026, 0, 1)
  expect(relativeTime(now - 1_000, now)).toBe('just now')
  expect(relativeTime(now - 59_000, now)).toBe('59 s ago')
  expect(relativeTime(now + 3 * 60_000, now)).toBe('in 3 min')
  expect(relativeTime(now - 47 * 3_600_000, now)).toBe('47 h ago')
  expect(relativeTime(now - 50 * 3_600_000, now)).toBe('2 d ago')
})

it('an exact time names its zone', () => {
  expect(exactTime(Date.UTC(2026, 0, 2, 3, 4, 5), 'UTC')).toBe('2026-01-02 03:04:05 UTC')
})

it('durations, money and shares have the digits that matter', () => {
  expect([850, 2_400, 59_000, 185_000, 7_800_000].map(duration)).toEqual([
    '850 ms',
    '2.4 s',
    '59 s',
    '3 min 5 s',
    '2 h 10 min',
  ])
  expect([0, 0.00421, 12.3].map(dollars)).toEqual(['$0.00', '$0.0042', '$12.30'])
  expect([null, 1, 0.9921].map(percent)).toEqual(['-', '100 %', '99.2 %'])
})

it('a time of an address is exact, or before now', () => {
  const now = Date.UTC(2026, 0, 2)
  expect(exactSince('24h', now)).toBe('2026-01-01T00:00:00.000Z')
  expect(exactSince('2026-01-01T00:00:00+01:00', now)).toBe('2025-12-31T23:00:00.000Z')
})

it('every status has a word, a sign and a meaning; one that is unknown is shown as it is', () => {
  for (const status of [...EXECUTION_STATUSES, ...TASK_STATUSES]) expect(statusWords(status).sign, status).not.toBe('·')
  expect(statusWords('constructor')).toEqual({ word: 'constructor', sign: '·', meaning: 'calm' })
})

it('a table draws the rows in view and a few more, however many there are', () => {
  const view = { scrollTop: 36 * 50_000, viewHeight: 600, rowHeight: 36 }
  expect(tableWindow(100_000, view, 10)).toEqual({ from: 49_990, to: 50_027 })
  expect(tableWindow(3, view, 10)).toEqual({ from: 0, to: 3 })
  expect(tableWindow(0, view)).toEqual({ from: 0, to: 0 })
})

it('a row that is not in view is scrolled to, and one that is moves nothing', () => {
  const view = { scrollTop: 360, viewHeight: 360, rowHeight: 36 }
  expect([5, 12, 30].map((row) => scrollToRow(row, view))).toEqual([180, 360, 756])
})

it('a line is broken where there is nothing to measure, and a point alone is a point', () => {
  expect(linePath([1, 2, null, 3], 40)).toBe('M5.0 1.0L5.0 1.0L15.0 2.0M35.0 3.0L35.0 3.0')
  expect(linePath([null], 40)).toBe('')
})

it('a budget of nothing is used up, and without a budget there is no share', () => {
  expect([shareOf(1, 4), shareOf(0, 0), shareOf(1, null)]).toEqual([0.25, 1, null])
})

it('a row that was moved is found near where it was, and one that is gone is not looked for in all rows', () => {
  let asked = 0
  const placeOf = (wanted: number) =>
    placeNear(100_000, 50_000, (row) => {
      asked++
      return row === wanted
    })
  expect([50_000, 50_003, 49_990].map(placeOf)).toEqual([50_000, 50_003, 49_990])
  expect(asked).toBeLessThan(50)
  expect(placeOf(-1)).toBe(-1)
  expect(asked).toBeLessThan(11_000)
  expect(placeNear(3, 9, (row) => row === 0)).toBe(0)
})
