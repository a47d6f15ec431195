// The time is an argument.
import { DeedError } from '@deed/proto/errors'
import { describe, expect, it } from 'vitest'
import { rateLimit } from './rate-limit.ts'

const ada = { tenant: 'acme', user: 'ada' }
const ben = { tenant: 'acme', user: 'ben' }

function refusal(ask: () => void): DeedError | undefined {
  try {
    ask()
    return undefined
  } catch (error) {
    if (error instanceof DeedError) return error
    throw error
  }
}

describe('the door', () => {
  it('refuses one identity that asks too often, says when to ask again, and lets others in', () => {
    let now = 0
    const limits = rateLimit({ requests_per_second: 10, waiting: 5 }, { waitingOf: () => 0 }, () => now)
    for (let count = 0; count < 20; count++) limits.admit(ada)
    const refused = refusal(() => limits.admit(ada))
    expect(refused?.body).toMatchObject({ code: 'rate_limited', retryable: true, details: { retry_after_ms: 100 } })
    limits.admit(ben)
    now += 99
    expect(refusal(() => limits.admit(ada))?.code).toBe('rate_limited')
    now += 2
    limits.admit(ada)
    expect(refusal(() => limits.admit(ada))?.code).toBe('rate_limited')
    now += 1_000_000
    for (let count = 0; count < 20; count++) limits.admit(ada)
    expect(refusal(() => limits.admit(ada))?.code).toBe('rate_limited')
  })

  it('refuses a tenant of which as many wait as may, and only that one', () => {
    const waiting = new Map([['acme', 5]])
    const limits = rateLimit(
      { requests_per_second: 10, waiting: 5 },
      { waitingOf: (tenant) => waiting.get(tenant) ?? 0 },
      () => 0,
    )
    expect(refusal(() => limits.admit(ada))?.body).toMatchObject({ code: 'overloaded', retryable: true })
    limits.admit({ tenant: 'other', user: 'eve' })
    waiting.set('acme', 4)
    limits.admit(ada)
  })

  it('remembers a bounded number of identities', () => {
    const limits = rateLimit({ requests_per_second: 1, waiting: 5 }, { waitingOf: () => 0 }, () => 0)
    for (let count = 0; count < 20_000; count++) limits.admit({ tenant: 'acme', user: `user-${count}` })
    // The newest is still known.
    limits.admit({ tenant: 'acme', user: 'user-19999' })
    expect(refusal(() => limits.admit({ tenant: 'acme', user: 'user-19999' }))?.code).toBe('rate_limited')
  })
})
