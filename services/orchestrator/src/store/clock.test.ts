// The database's clock, as replies that were fast and slow tell it.
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { clockOf } from './clock.ts'

const never = { query: () => Promise.reject(new Error('nothing is asked here')) } as never

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A clock, and how far it is off the database's, in milliseconds. */
function tried() {
  let base = 1_800_000_000_000 - performance.now()
  const real = () => base + performance.now()
  const clock = clockOf(never)
  return {
    off: () => clock.now() - real(),
    /** A question whose answer is on its way for so long, both in milliseconds. */
    asked(thereMs: number, backMs: number) {
      const askedAt = performance.now()
      vi.advanceTimersByTime(thereMs)
      const said = real()
      vi.advanceTimersByTime(backMs)
      clock.set(said, askedAt)
    },
    /** Somebody sets the database's clock. */
    turn(ms: number) {
      base += ms
    },
  }
}

it('corrects a time that came with a slow reply by the next faster one', () => {
  const { off, asked } = tried()
  asked(800, 0)
  expect(off()).toBe(400)
  asked(0, 20)
  expect(Math.abs(off())).toBeLessThanOrEqual(20)
})

it('keeps a good time when slow replies follow', () => {
  const { off, asked } = tried()
  asked(1, 1)
  asked(5_000, 0)
  asked(0, 5_000)
  expect(Math.abs(off())).toBeLessThanOrEqual(1)
})

it.each([60_000, -60_000])('follows a database whose clock was turned by %i ms', (ms) => {
  const { off, asked, turn } = tried()
  asked(1, 1)
  turn(ms)
  asked(1, 1)
  expect(Math.abs(off())).toBeLessThanOrEqual(2)
})
