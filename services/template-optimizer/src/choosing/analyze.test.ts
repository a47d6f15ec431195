// The analysis says in words what the figures show, and nothing that chance explains.
import { describe, expect, it } from 'vitest'
import { learn, type Score } from '../templates/score.ts'
import { readTemplate } from '../templates/template-file.ts'
import { analyze, type Day } from './analyze.ts'

const NOW = Date.UTC(2026, 0, 1)
const template = (id: string, own: boolean) =>
  readTemplate(
    `---\nid: ${id}\nversion: 1\nlanguage: python\ntask_type: testing\ndescription: ${id}\n---\npass\n`,
    id,
    own,
  )
const templates = [template('good', false), template('weak', false), template('bad', false), template('new', true)]

function scored(successes: number, failures: number): Score {
  let score: Score | undefined
  // Failures last, so that the recent rate is low.
  for (let use = 0; use < successes + failures; use++) {
    score = learn(score, { success: use < successes, timeMs: 100, quality: null, costUsd: 0 }, NOW)
  }
  return score as Score
}
const scores = new Map([
  ['good', scored(40, 0)],
  ['weak', scored(12, 2)],
  ['bad', scored(0, 9)],
])
const of = (days: readonly Day[]) => analyze({ templates, scoreOf: ({ id }) => scores.get(id), days, now: NOW })
const steady = (quality: (day: number) => number): Day[] =>
  Array.from({ length: 20 }, (_, day) => ({ day, uses: 50, quality: quality(day) }))

describe('the analysis of templates', () => {
  it('counts uses, shares them out, and puts the surest template first', () => {
    const { totals, top, usage } = of([])
    expect(totals).toEqual({ templates: 4, used: 3, uses: 63 })
    expect(top.map(({ id }) => id)).toEqual(['good', 'weak', 'bad'])
    expect(usage.map(({ id, uses }) => [id, uses])).toEqual([
      ['good', 40],
      ['weak', 14],
      ['bad', 9],
    ])
    expect(usage.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1)
  })

  it('says what to do about a demoted, a weak and an unproven template', () => {
    const words = of([]).recommendations
    expect(words).toHaveLength(3)
    expect(words[0]).toMatch(/^bad was demoted after 9 uses/)
    expect(words[1]).toMatch(/^weak was verified in about 49 % of its recent uses/)
    expect(words[2]).toMatch(/^new is a candidate without outcomes/)
  })

  it('tells a trend from chance', () => {
    expect(of(steady((day) => 0.6 + day / 100)).trend).toMatchObject({ direction: 'improving' })
    expect(of(steady((day) => 0.6 + day / 100)).trend.per_day).toBeCloseTo(0.01)
    const declining = of(steady((day) => 0.9 - day / 100))
    expect(declining.trend.direction).toBe('declining')
    expect(declining.recommendations[0]).toBe(
      'Results decline by 7 % a week: compare the newest versions with the ones before.',
    )
    expect(of(steady((day) => 0.7 + (day % 2) / 50)).trend.direction).toBe('stable')
    expect(of([{ day: 0, uses: 9, quality: 1 }]).trend.direction).toBe('unknown')
  })
})
