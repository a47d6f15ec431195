import { DeedError } from '@deed/proto/errors'
import { describe, expect, it } from 'vitest'
import { openLease } from './lease.ts'

const codeOf = (signal: AbortSignal): unknown => (signal.reason as DeedError | undefined)?.code

describe('a lease', () => {
  it('gives the right to work until it expires, also where nobody has looked at the clock since', () => {
    const lease = openLease()
    expect(() => lease.checkRight()).not.toThrow()
    lease.extend(performance.now() - 1)
    expect(lease.signal.aborted).toBe(false)
    expect(() => lease.checkRight()).toThrow(expect.objectContaining({ code: 'lease_lost' }))
    expect(codeOf(lease.signal)).toBe('lease_lost')
  })

  it('is not shortened by an answer that another one has overtaken', () => {
    const lease = openLease()
    lease.extend(performance.now() + 60_000)
    lease.extend(performance.now() - 1)
    lease.expire()
    expect(lease.signal.aborted).toBe(false)
  })

  it('ends with the reason that the attempt was stopped for', () => {
    const lease = openLease()
    lease.stop(new DeedError('cancelled', 'the task is no longer wanted'))
    expect(codeOf(lease.signal)).toBe('cancelled')
  })

  it('was lost first where it had expired before the attempt was stopped', () => {
    const lease = openLease()
    lease.extend(performance.now() - 1)
    lease.stop(new DeedError('cancelled', 'the task is no longer wanted'))
    expect(codeOf(lease.signal)).toBe('lease_lost')
  })
})
