// Choosing learns: it explores at first, then exploits what works, and adapts to change. The random numbers are seeded,
// so the tests are deterministic.
import { describe, expect, it } from 'vitest'
import { catalogueOf } from '../templates/catalogue.ts'
import { learn, type Outcome, posterior, reward, type Score } from '../templates/score.ts'
import type { Template } from '../templates/template-file.ts'
import { chooseTemplate } from './choose-template.ts'
import { drawBeta, seededRandom } from './seeded-random.ts'

const NOW = Date.UTC(2026, 0, 1)
const DAY_MS = 86_400_000
const WANTED = { taskType: 'nats_consumer', language: 'elixir', complexity: undefined } as const
const SUCCESS: Outcome = { success: true, timeMs: 100, quality: null, costUsd: 0 }
const FAILURE: Outcome = { ...SUCCESS, success: false }

function template(id: string, facts: Partial<Template> = {}): Template {
  return {
    id,
    version: 1,
    language: 'elixir',
    taskType: 'nats_consumer',
    complexity: undefined,
    description: id,
    keywords: [],
    file: undefined,
    variables: {},
    sources: {},
    makes: [],
    when: [],
    acceptance: [],
    risk: 'low',
    body: id,
    own: false,
    text: id,
    source: id,
    ...facts,
  }
}

const universal = template('universal', { taskType: 'general', language: 'any' })

/** Uses templates for `rounds`, each with its own success probability, and counts the picks. */
function play(chances: Record<string, number>, rounds: number, scores = new Map<string, Score>(), seed = 'play') {
  const catalogue = catalogueOf([...Object.keys(chances).map((id) => template(id)), universal])
  const random = seededRandom(seed)
  const picks: string[] = []
  for (let round = 0; round < rounds; round++) {
    const { template } = chooseTemplate(catalogue, WANTED, 'x', ({ id }) => scores.get(id), NOW, random)
    picks.push(template.id)
    const outcome = random() < (chances[template.id] ?? 0) ? SUCCESS : FAILURE
    scores.set(template.id, learn(scores.get(template.id), outcome, NOW))
  }
  return { picks, scores }
}

describe('choosing a template', () => {
  it('tries every template before anything is known', () => {
    const { picks } = play({ a: 0.5, b: 0.5, c: 0.5 }, 60)
    expect(new Set(picks)).toEqual(new Set(['a', 'b', 'c']))
  })

  it.each(['one', 'two', 'three', 'four', 'five'])('shifts traffic away from the worse template (%s)', (seed) => {
    const { picks } = play({ good: 0.9, bad: 0.4 }, 400, new Map(), seed)
    expect(picks.slice(-200).filter((id) => id === 'good').length).toBeGreaterThan(180)
  })

  it('costs few failures more than always taking the best', () => {
    // Expected regret of five templates over 1,000 uses, mean of 10 seeds.
    const chances = { a: 0.9, b: 0.8, c: 0.7, d: 0.6, e: 0.5 }
    let regret = 0
    for (let seed = 0; seed < 10; seed++) {
      const { picks } = play(chances, 1000, new Map(), `regret ${seed}`)
      for (const id of picks) regret += 0.9 - chances[id as keyof typeof chances]
    }
    expect(regret / 10).toBeLessThan(50)
  })

  it('gives a new template traffic according to its results', () => {
    const { scores } = play({ old: 0.5 }, 300)
    const { picks } = play({ old: 0.5, new: 0.95 }, 300, scores)
    expect(picks.slice(-100).filter((id) => id === 'new').length).toBeGreaterThan(80)
  })

  it('notices that the best template has broken', () => {
    const { scores } = play({ a: 0.95, b: 0.7 }, 500)
    const { picks } = play({ a: 0.05, b: 0.7 }, 200, scores)
    expect(picks.slice(-50).filter((id) => id === 'b').length).toBeGreaterThan(40)
  })

  it('is deterministic for the same seed and history', () => {
    const catalogue = catalogueOf([template('a'), template('b'), template('c'), universal])
    const pick = (seed: string) =>
      chooseTemplate(catalogue, WANTED, 'x', () => undefined, NOW, seededRandom(seed)).template.id
    const seeds = Array.from({ length: 50 }, (_, index) => `task ${index}`)
    expect(seeds.map(pick)).toEqual(seeds.map(pick))
    expect(new Set(seeds.map(pick)).size).toBe(3)
  })

  it('falls back from the specific templates to those of the language and to the universal ones', () => {
    const generic = template('generic', { taskType: 'general' })
    const choose = (templates: Template[]) =>
      chooseTemplate(catalogueOf([...templates, universal]), WANTED, 'x', () => undefined, NOW, seededRandom('x'))
    expect(choose([template('specific'), generic])).toMatchObject({
      template: { id: 'specific' },
      alternatives: [{ id: 'generic' }, { id: 'universal' }],
    })
    expect(choose([generic]).template.id).toBe('generic')
    expect(choose([]).template.id).toBe('universal')
  })

  it('prefers a template made for the words or the complexity', () => {
    const batch = template('batch', { keywords: ['batch'] })
    const catalogue = catalogueOf([batch, template('plain'), universal])
    const picked = (task: string): number =>
      Array.from({ length: 300 }, (_, index) => seededRandom(`${index}`)).filter(
        (random) => chooseTemplate(catalogue, WANTED, task, () => undefined, NOW, random).template === batch,
      ).length
    expect(picked('store them in a batch')).toBeGreaterThan(picked('store them') + 30)
    const simple = template('simple', { complexity: 'simple' })
    const chosen = catalogueOf([simple, template('plain'), universal]).fitting({ ...WANTED, complexity: 'simple' })
    expect(chosen[0]).toEqual([simple])
  })
})

describe('what the scores learn', () => {
  it('moves the averages by three tenths of the difference', () => {
    const first = learn(undefined, { success: true, timeMs: 100, quality: 0.5, costUsd: 0 }, NOW)
    expect(first).toMatchObject({ usageCount: 1, successRate: 1, averageMs: 100, quality: 0.5 })
    const second = learn(first, { success: false, timeMs: 200, quality: null, costUsd: 0 }, NOW)
    expect(second.successRate).toBeCloseTo(0.7)
    expect(second.averageMs).toBeCloseTo(130)
    expect(second.quality).toBe(0.5)
  })

  it('gives a failure no reward, however fast or cheap', () => {
    expect(reward({ success: false, timeMs: 0, quality: 1, costUsd: 0 })).toBe(0)
    expect(reward(SUCCESS)).toBeGreaterThan(0.95)
    expect(reward({ ...SUCCESS, quality: 0.1 })).toBeLessThan(reward(SUCCESS))
  })

  it('fades: after a long time a template counts as unknown', () => {
    let score: Score | undefined
    for (let use = 0; use < 50; use++) score = learn(score, FAILURE, NOW)
    expect(posterior(score, 0.5, NOW).mean).toBeLessThan(0.1)
    expect(posterior(score, 0.5, NOW + 720 * DAY_MS).mean).toBeCloseTo(0.5, 1)
  })
})

describe('drawing from a Beta distribution', () => {
  it.each([
    [1, 1],
    [4, 4],
    [40, 10],
  ])('has the mean and the variance of Beta(%d, %d)', (a, b) => {
    const random = seededRandom(`${a} ${b}`)
    const draws = Array.from({ length: 20_000 }, () => drawBeta(a, b, random))
    const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length
    const variance = draws.reduce((sum, draw) => sum + (draw - mean) ** 2, 0) / draws.length
    expect(mean).toBeCloseTo(a / (a + b), 1.9)
    expect(variance).toBeCloseTo((a * b) / ((a + b) ** 2 * (a + b + 1)), 2)
    expect(draws.every((draw) => draw > 0 && draw < 1)).toBe(true)
  })
})
