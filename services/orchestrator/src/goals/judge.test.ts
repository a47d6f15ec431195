// The loop guard, with the time given.
import { REMEDY_WINDOW_MS } from '@deed/proto/goal'
import type { ExecutionId } from '@deed/proto/ids'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Remedy } from '../store/goals.ts'
import { judge, recentRemedies } from './judge.ts'

const id = '01997d0e-0000-7000-8000-000000000000' as ExecutionId
const remedy = (at: number): Remedy => ({ execution_id: id, at: new Date(at).toISOString() })

describe('a check of a goal', () => {
  it('leads to nothing where it holds, or nobody could look', () => {
    expect(judge({ remedies: [], remedies_max: 1 }, 'holds', 0)).toBe('rest')
    expect(judge({ remedies: [], remedies_max: 1 }, 'unknown', 0)).toBe('rest')
  })

  it('leads to a remedy until there were too many within the hour, then to none', () => {
    const goal = { remedies: [remedy(1_000), remedy(2_000)], remedies_max: 2 }
    expect(judge({ ...goal, remedies_max: 3 }, 'drifted', 3_000)).toBe('remedy')
    expect(judge(goal, 'drifted', 3_000)).toBe('give_up')
    expect(judge(goal, 'drifted', 1_000 + REMEDY_WINDOW_MS)).toBe('remedy')
  })

  it('never leads to more remedies within an hour than are allowed, even where each undoes itself', () => {
    const intervals = fc.array(fc.integer({ min: 1_000, max: 900_000 }), { minLength: 1, maxLength: 200 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), intervals, (max, waits) => {
        let remedies: Remedy[] = []
        const times: number[] = []
        let now = 0
        for (const wait of waits) {
          now += wait
          if (judge({ remedies, remedies_max: max }, 'drifted', now) !== 'remedy') continue
          remedies = [...recentRemedies(remedies, now), remedy(now)]
          times.push(now)
        }
        for (const start of times) {
          expect(times.filter((at) => at >= start && at < start + REMEDY_WINDOW_MS).length).toBeLessThanOrEqual(max)
        }
      }),
    )
  })
})
