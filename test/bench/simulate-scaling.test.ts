// The simulation against what is known of queues.
import { describe, expect, it } from 'vitest'
import { loadAt, simulate } from './simulate-scaling.ts'

const ONE = { replicas: 1, shards: 1, databaseCores: 1, natsCores: 1 }
const TIMES = { orchestrator: 4, executor: 0.001, thinking: 0.001, postgresql: 0.001, nats: 0.001, log: 0.001 }

describe('the simulation of a mesh', () => {
  it('gives the same outcome for the same seed, and another for another', () => {
    const options = { count: 2_000, seed: 7 }
    expect(simulate(ONE, 100, options)).toEqual(simulate(ONE, 100, options))
    expect(simulate(ONE, 100, options)).not.toEqual(simulate(ONE, 100, { ...options, seed: 8 }))
  })

  it('works as much as arrives: the share of the busiest part is its load', () => {
    const perSecond = loadAt(ONE, 0.5, TIMES)
    expect(perSecond).toBeCloseTo(125)
    const { busiest } = simulate(ONE, perSecond, { count: 20_000, times: TIMES })
    expect(busiest.part).toBe('orchestrator')
    expect(busiest.share).toBeGreaterThan(0.47)
    expect(busiest.share).toBeLessThan(0.53)
  })

  it('waits longer the busier a part is, and does no more than its cores can', () => {
    const calm = simulate(ONE, loadAt(ONE, 0.3, TIMES), { times: TIMES })
    const busy = simulate(ONE, loadAt(ONE, 0.9, TIMES), { times: TIMES })
    const over = simulate(ONE, loadAt(ONE, 3, TIMES), { times: TIMES })
    expect(busy.p99Ms).toBeGreaterThan(3 * calm.p99Ms)
    expect(over.perSecond).toBeLessThan(1.05 * loadAt(ONE, 1, TIMES))
  })
})
