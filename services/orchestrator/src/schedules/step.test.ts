// What becomes of each time that comes: the time is given, and whether something runs.
import { CATCH_UPS, MISSED_AFTER_MS, OVERLAPS, QUEUED_MAX } from '@deed/proto/schedule'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Scheduled, step } from './step.ts'

const EVERY = 10_000

const schedule = (fields: Partial<Scheduled> = {}): Scheduled => ({
  cron: null,
  timezone: 'UTC',
  every_ms: EVERY,
  anchor: 0,
  overlap: 'skip',
  catch_up: 'last',
  next_due_at: EVERY,
  queued: [],
  ...fields,
})

describe('a step of a schedule', () => {
  it('fires a time that has come, and nothing before it has', () => {
    expect(step(schedule(), EVERY - 1, false)).toMatchObject({ fire: undefined, next_due_at: EVERY, skipped: 0 })
    expect(step(schedule(), EVERY + 3, false)).toMatchObject({ fire: EVERY, next_due_at: 2 * EVERY, skipped: 0 })
  })

  it('skips, queues or replaces while the execution before it runs', () => {
    expect(step(schedule(), EVERY, true)).toMatchObject({ fire: undefined, skipped: 1, queued: [] })
    expect(step(schedule({ overlap: 'queue' }), EVERY, true)).toMatchObject({ fire: undefined, queued: [EVERY] })
    expect(step(schedule({ overlap: 'replace' }), EVERY, true)).toMatchObject({ fire: EVERY, replace: true })
  })

  it('fires what was queued when the way is free, the oldest first', () => {
    const waiting = schedule({ overlap: 'queue', queued: [EVERY, 2 * EVERY], next_due_at: 3 * EVERY })
    expect(step(waiting, 2 * EVERY + 1, false)).toMatchObject({ fire: EVERY, queued: [2 * EVERY] })
  })

  it('makes up for what was missed as it was told to', () => {
    const late = 5 * EVERY + MISSED_AFTER_MS + 1
    const missed = [1, 2, 3, 4, 5].map((number) => number * EVERY)
    const fresh = step(schedule({ next_due_at: 6 * EVERY, overlap: 'queue' }), late, true).queued
    const outcome = (catch_up: Scheduled['catch_up']) => step(schedule({ catch_up, overlap: 'queue' }), late, true)
    expect(outcome('none')).toMatchObject({ queued: fresh, skipped: 5 })
    expect(outcome('last')).toMatchObject({ queued: [5 * EVERY, ...fresh], skipped: 4 })
    expect(outcome('all')).toMatchObject({ queued: [...missed, ...fresh], skipped: 0 })
  })

  it('deals with every time once, whatever runs and whenever it is looked', () => {
    const checks = fc.array(fc.record({ afterMs: fc.integer({ min: 1, max: 40_000 }), running: fc.boolean() }), {
      maxLength: 40,
    })
    fc.assert(
      fc.property(fc.constantFrom(...OVERLAPS), fc.constantFrom(...CATCH_UPS), checks, (overlap, catchUp, times) => {
        let row = schedule({ overlap, catch_up: catchUp })
        let now = 0
        let skipped = 0
        const fired: number[] = []
        for (const { afterMs, running } of times) {
          now += afterMs
          const done = step(row, now, running)
          if (done.fire !== undefined) fired.push(done.fire)
          if (done.replace) expect(done.fire).toBeDefined()
          if (running && !done.replace) expect(done.fire).toBeUndefined()
          skipped += done.skipped
          row = { ...row, queued: done.queued, next_due_at: done.next_due_at! }
        }
        expect(new Set(fired).size).toBe(fired.length)
        expect(row.queued.length).toBeLessThanOrEqual(QUEUED_MAX)
        expect(fired.length + skipped + row.queued.length).toBe(Math.floor(now / EVERY))
        expect(row.next_due_at).toBeGreaterThan(now)
      }),
    )
  })
})
