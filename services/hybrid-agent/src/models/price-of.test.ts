import { DeedError } from '@deed/proto/errors'
import { describe, expect, it } from 'vitest'
import { ANSWER_TOKENS_MAX, chargeFor, costMax, PROMPT_TOKENS_MAX, usageOf, usageOfFailed } from './price-of.ts'

const prices = { paid: { prompt_usd_per_million: 0.5, answer_usd_per_million: 2 } }

describe('the cost of a call', () => {
  it('is in whole millionths of a dollar, rounded up, and 0 for a model without a price', () => {
    expect(chargeFor(prices, 'paid', usageOf(11, 7))).toEqual({ microusd: 20, unknown: false })
    expect(chargeFor(prices, 'local', usageOf(11, 7))).toEqual({ microusd: 0, unknown: false })
    expect(costMax(prices, 'paid')).toBe(PROMPT_TOKENS_MAX / 2 + ANSWER_TOKENS_MAX * 2)
  })

  it.each([Number.NaN, 'NaN', null, -1, -0.5, 1.5, 1e12, 2 ** 53 + 1, Number.POSITIVE_INFINITY, '7', {}])(
    'is the reserved maximum if the server reports %s, which is not added to the totals',
    (odd) => {
      for (const usage of [usageOf(odd, 7), usageOf(11, odd)]) {
        expect(usage.unknown).toBe(true)
        expect(usage.promptTokens + usage.answerTokens).toBeLessThanOrEqual(11)
        expect(chargeFor(prices, 'paid', usage)).toEqual({ microusd: costMax(prices, 'paid'), unknown: true })
      }
    },
  )

  it('is the reserved maximum if the call broke off, and nothing if no server accepted it', () => {
    const broke = new DeedError('model_failed', 'it stopped')
    const refused = new DeedError('model_failed', 'connection refused', { details: { not_taken_up: true } })
    expect(chargeFor(prices, 'paid', usageOfFailed(broke)).microusd).toBe(costMax(prices, 'paid'))
    expect(chargeFor(prices, 'paid', usageOfFailed(refused))).toEqual({ microusd: 0, unknown: false })
    expect(chargeFor(prices, 'local', usageOfFailed(broke)).microusd).toBe(0)
  })
})
