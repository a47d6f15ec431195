import { describe, expect, it } from 'vitest'
import { circuitBreaker } from './circuit-breaker.ts'

describe('a circuit breaker', () => {
  it('opens at the third failure in a row, and lets one through after half a minute', () => {
    const breaker = circuitBreaker()
    for (const now of [0, 1, 2]) {
      expect(breaker.mayAsk('a', now)).toBe(true)
      breaker.failed('a', now)
    }
    expect(breaker.mayAsk('a', 3)).toBe(false)
    expect(breaker.mayAsk('b', 3)).toBe(true)
    expect(breaker.mayAsk('a', 30_002)).toBe(true)
    expect(breaker.mayAsk('a', 30_003)).toBe(false)
    breaker.failed('a', 30_004)
    expect(breaker.mayAsk('a', 60_003)).toBe(false)
    expect(breaker.mayAsk('a', 60_004)).toBe(true)
    breaker.succeeded('a')
    expect(breaker.mayAsk('a', 60_005)).toBe(true)
  })

  it('opens at once for as long as the provider asks for', () => {
    const breaker = circuitBreaker()
    breaker.failed('a', 0, 300_000)
    expect(breaker.mayAsk('a', 299_999)).toBe(false)
    expect([breaker.isOpen('a', 299_999), breaker.isOpen('a', 300_000), breaker.isOpen('b', 0)]).toEqual([
      true,
      false,
      false,
    ])
    expect(breaker.mayAsk('a', 300_000)).toBe(true)
  })
})
