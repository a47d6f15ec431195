// What figures are computed from: the tables of the kernel, and measurements that vary.
import { describe, expect, it } from 'vitest'
import { percentile } from './load.ts'
import { ratioLine } from './pairs.ts'
import { parseMachineCpu, parseProcess, sumOfNumbers } from './process-costs.ts'
import { hasStoppedFalling } from './warm-up.ts'

describe('a percentile', () => {
  it('is a value that was measured, by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1)
    expect([50, 95, 99, 100].map((percent) => percentile(hundred, percent))).toEqual([50, 95, 99, 100])
    expect(percentile([7], 99)).toBe(7)
    expect(percentile([1, 2], 50)).toBe(1)
  })
})

describe('the tables of the kernel', () => {
  it('count what processes used, without idle time, interrupts and what guests used a second time', () => {
    const stat = `cpu  21769 3297 12198 61666 796 11 661 136 500 3\ncpu0 11082 1734 5739 31295 162 0 218 70 0 0\n`
    expect(parseMachineCpu(stat)).toEqual({ used: 372.64, steal: 1.36 })
  })

  it('name a parent and four times, whatever the command is called', () => {
    const stat = '77 (a) R (b) S 12 77 77 0 -1 4194304 1 2 3 4 150 50 25 5 20 0 11 0 900 1 2\n'
    expect(parseProcess(77, stat)).toEqual({ pid: 77, parent: 12, cpuSeconds: 2.3 })
  })
})

describe('numbers in a text', () => {
  it('are added up, each once, and no others', () => {
    const status = 'Threads:\t11\nvoluntary_ctxt_switches:\t40\nnonvoluntary_ctxt_switches:\t2\n'
    expect(sumOfNumbers(status, /^(?:non)?voluntary_ctxt_switches:\s+(\d+)$/gm)).toBe(42)
    expect(sumOfNumbers('', /(\d+)/g)).toBe(0)
  })
})

describe('the ratios of two checkouts', () => {
  const line = (p50_ms: number, cpu_s_per_1000: number | null, executions = 10) => ({
    ...{ scenario: 'a', p50_ms, cpu_s_per_1000, executions, in_flight: 64, traced: '0.01' },
  })

  it('are those of pairs, so that what both suffered from does not show', () => {
    // The machine became ten times slower, and in the last pair another process hit the first one alone.
    const pairs = [
      [line(5, 1), line(10, 4)],
      [line(50, 1), line(100, 2)],
      [line(12, 1), line(10, 5)],
    ] as const
    expect(ratioLine(pairs)).toEqual({
      ...{ scenario: 'a ratio', pairs: 3, p50_ms: 0.5, cpu_s_per_1000: 0.25 },
      lower_quartile: { p50_ms: 0.5, cpu_s_per_1000: 0.2 },
      upper_quartile: { p50_ms: 1.2, cpu_s_per_1000: 0.5 },
    })
  })

  it('leave out a figure that one of them does not have', () => {
    expect(ratioLine([[line(5, null), line(10, 4)]])).not.toHaveProperty('cpu_s_per_1000')
    expect(ratioLine([[line(0, 1), line(10, 4)]])).not.toHaveProperty('p50_ms')
  })
})

describe('a warm-up', () => {
  it('ends when four slices in turn save nothing on the best before them', () => {
    const costs = [20, 12, 9, 8.9, 8.8, 8.9, 8.8]
    expect(costs.map((_, index) => hasStoppedFalling(costs.slice(0, index + 1)))).toEqual([
      ...[false, false, false, false, false, false, true],
    ])
    expect(hasStoppedFalling([10, 10, 10, 10, 10])).toBe(false)
    expect(hasStoppedFalling([20, 10, 30, 30, 30, 9])).toBe(false)
    expect(hasStoppedFalling([20, 10, 30, 9, 9, 9, 9])).toBe(false)
    expect(hasStoppedFalling([20, 10, 30, 9, 9, 9, 9, 9])).toBe(true)
  })
})
