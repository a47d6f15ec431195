// The order of plans, and how many are made at once. Plans are promises that the test resolves.
import { setImmediate as turn } from 'node:timers/promises'
import type { ExecutionId } from '@deed/proto/ids'
import { describe, expect, it } from 'vitest'
import { planningLane } from './planning-lane.ts'

const TIMES = 100

describe('the lane of plans', () => {
  it('makes 64 plans at once, and 16 beside callers that wait for an answer', async () => {
    let now = 5_000
    const lane = planningLane(undefined, () => now)
    const plans = startMany(lane)
    await turn()
    expect(plans.begun).toHaveLength(64)

    lane.called()
    await plans.end(48)
    expect(plans.begun).toHaveLength(64)
    await plans.end(1)
    expect(plans.begun).toHaveLength(65)

    now += 1_000
    await plans.end(1)
    expect(plans.begun).toHaveLength(TIMES)
  })

  it('begins the most urgent one first, also before one that comes when there is room again', async () => {
    let now = 5_000
    const lane = planningLane(undefined, () => now)
    lane.called()
    const plans = startMany(lane, 16)
    plans.start('late', 8)
    plans.start('urgent', 2)
    now += 1_000
    plans.start('newcomer', 8)
    await turn()
    expect(plans.begun.slice(16)).toEqual(['urgent', 'late', 'newcomer'])
  })
})

function startMany(lane: ReturnType<typeof planningLane>, count = TIMES) {
  const begun: string[] = []
  const running: (() => void)[] = []
  const start = (id: string, priority: number): void => {
    void lane.behind({ id: id as ExecutionId, tenant: 'local', priority }, () => {
      begun.push(id)
      return new Promise<void>((resolve) => running.push(resolve))
    })
  }
  for (let number = 0; number < count; number++) start(`plan-${number}`, 5)
  return {
    begun,
    start,
    async end(many: number) {
      for (const resolve of running.splice(0, many)) resolve()
      await turn()
    },
  }
}
