import { expect, it } from 'vitest'
import { requiredSpanMs, spanMs } from './spans.ts'

it('a span is a number and a unit', () => {
  expect(['30s', ' 5m ', '2 h', '7d'].map(spanMs)).toEqual([30_000, 300_000, 7_200_000, 604_800_000])
})

it('what is no span is not guessed at', () => {
  for (const text of ['', '30', '0s', '-5m', '1w', '5m 3s', '1.5h']) expect(spanMs(text), text).toBeUndefined()
  expect(() => requiredSpanMs('soon', 'Until')).toThrow(/Until: .*30s/)
})
