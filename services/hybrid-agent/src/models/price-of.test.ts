import { DeedError } from '@deed/proto/errors'
import { describe, expect, it } from 'vitest'
import {
  ANSWER_TOKENS_MAX,
  chargeFor,
  costMax,
  PROMPT_TOKENS_MAX,
  promptTokensMax,
  usageOf,
  usageOfFailed,
} from './price-of.ts'

const prices = { paid: { prompt_usd_per_million: 0.5, answer_usd_per_million: 2 } }

describe('the cost of a call', () => {
  it('to an API is bounded by the bytes of the question, which has no more tokens', () => {
    const messages = [{ role: 'user' as const, content: 'ä'.repeat(40_000) }]
    expect(promptTokensMax(messages, {})).toBeGreaterThan(80_000)
    expect(usageOf(80_000, 7, promptTokensMax(messages, {}))).toMatchObject({ unknown: false })
    expect(usageOf(90_000, 7, promptTokensMax(messages, {}))).toMatchObject({ unknown: true })
  })

  it('is in whole millionths of a dollar, rounded up, and 0 for a model without a price', () => {
    expect(chargeFor(prices, 'paid', usageOf(11, 7, PROMPT_TOKENS_MAX), PROMPT_TOKENS_MAX)).toEqual({
      microusd: 20,
      unknown: false,
    })
    expect(chargeFor(prices, 'local', usageOf(11, 7, PROMPT_TOKENS_MAX), PROMPT_TOKENS_MAX)).toEqual({
      microusd: 0,
      unknown: false,
    })
    expect(costMax(prices, 'paid', PROMPT_TOKENS_MAX)).toBe(PROMPT_TOKENS_MAX / 2 + ANSWER_TOKENS_MAX * 2)
  })

  it.each([Number.NaN, 'NaN', null, -1, -0.5, 1.5, 1e12, 2 ** 53 + 1, Number.POSITIVE_INFINITY, '7', {}])(
    'is the reserved maximum if the server reports %s, which is not added to the totals',
    (odd) => {
      for (const usage of [usageOf(odd, 7, PROMPT_TOKENS_MAX), usageOf(11, odd, PROMPT_TOKENS_MAX)]) {
        expect(usage.unknown).toBe(true)
        expect(usage.promptTokens + usage.answerTokens).toBeLessThanOrEqual(11)
        expect(chargeFor(prices, 'paid', usage, PROMPT_TOKENS_MAX)).toEqual({
          microusd: costMax(prices, 'paid', PROMPT_TOKENS_MAX),
          unknown: true,
        })
      }
    },
  )

  it('is the reserved maximum if the call broke off, and nothing if no server accepted it', () => {
    const broke = new DeedError('model_failed', 'it stopped')
    const refused = new DeedError('model_failed', 'connection refused', { details: { not_taken_up: true } })
    expect(chargeFor(prices, 'paid', usageOfFailed(broke), PROMPT_TOKENS_MAX).microusd).toBe(
      costMax(prices, 'paid', PROMPT_TOKENS_MAX),
    )
    expect(chargeFor(prices, 'paid', usageOfFailed(refused), PROMPT_TOKENS_MAX)).toEqual({
      microusd: 0,
      unknown: false,
    })
    expect(chargeFor(prices, 'local', usageOfFailed(broke), PROMPT_TOKENS_MAX).microusd).toBe(0)
  })
})
