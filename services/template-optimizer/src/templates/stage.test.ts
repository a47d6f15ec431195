// A template is trusted for what was verified, and loses the trust for what failed.
import { describe, expect, it } from 'vitest'
import { learn, type Outcome, type Score } from './score.ts'
import { rewardOf, stageOf } from './stage.ts'

const NOW = Date.UTC(2026, 0, 1)
const DAY_MS = 86_400_000
const OWN = { own: true }
const SHIPPED = { own: false }

function after(...outcomes: boolean[]): Score | undefined {
  return outcomes.reduce<Score | undefined>((score, success) => {
    const outcome: Outcome = { success, timeMs: 100, quality: null, costUsd: 0 }
    return learn(score, outcome, NOW)
  }, undefined)
}
const times = (count: number, success: boolean) => Array.from({ length: count }, () => success)

describe('the stage of a template', () => {
  it('goes from candidate over canary to trusted by verified successes', () => {
    expect(stageOf(OWN, undefined, NOW)).toBe('candidate')
    expect(stageOf(OWN, after(true, true), NOW)).toBe('canary')
    expect(stageOf(OWN, after(...times(12, true)), NOW)).toBe('trusted')
  })

  it('is trusted for a shipped template without outcomes', () => {
    expect(stageOf(SHIPPED, undefined, NOW)).toBe('trusted')
  })

  it('is demoted once failures exclude chance, for a shipped template too', () => {
    expect(stageOf(SHIPPED, after(false), NOW)).toBe('trusted')
    expect(stageOf(SHIPPED, after(...times(8, false)), NOW)).toBe('demoted')
    expect(stageOf(OWN, after(...times(12, true), ...times(40, false)), NOW)).toBe('demoted')
  })

  it('is open again when the evidence against a template has faded', () => {
    const failed = after(...times(8, false))
    expect(stageOf(OWN, failed, NOW + 365 * DAY_MS)).toBe('canary')
  })

  it('rests on an interval that narrows with the evidence and holds the mean', () => {
    const few = rewardOf(after(true, true, false), NOW)
    const many = rewardOf(after(...times(20, true), ...times(10, false)), NOW)
    expect(many.high - many.low).toBeLessThan(few.high - few.low)
    expect(many.low).toBeLessThan(0.66)
    expect(many.high).toBeGreaterThan(0.66)
    expect(rewardOf(undefined, NOW)).toEqual({ low: 0, high: 1 })
  })
})
