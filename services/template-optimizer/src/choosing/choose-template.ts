/**
 * Chooses between templates that fit by Thompson sampling: a template is used as often as it is likely to be the best.
 * A worse template loses its traffic, and a new one gets enough to be evaluated.
 */
import type { TemplateChoice } from '@deed/proto/template'
import type { Catalogue, Wanted } from '../templates/catalogue.ts'
import { groupMean, type Posterior, pooled, posterior, type Score } from '../templates/score.ts'
import type { Template } from '../templates/template-file.ts'
import { drawBeta, type Random } from './seeded-random.ts'

/** The expected reward without any evidence. */
const EXPECTED_AT_FIRST = 0.5
/** The expected reward rises by this much if the task contains all keywords of the template. */
const KEYWORDS_BONUS = 0.2

export type ScoreOf = (template: Template) => Score | undefined

export interface Chosen {
  readonly template: Template
  /** Expected reward, 0 to 1. */
  readonly score: number
  /** The other templates that fit, best first; its own group before the fallback groups. */
  readonly alternatives: TemplateChoice['alternatives']
}

/** Pure except for `random`: the same history and the same numbers give the same choice. */
export function chooseTemplate(
  catalogue: Catalogue,
  wanted: Wanted,
  task: string,
  scoreOf: ScoreOf,
  now: number,
  random: Random,
): Chosen {
  const groups = catalogue.fitting(wanted)
  const words = new Set(
    task
      .slice(0, 2000)
      .toLowerCase()
      .match(/[a-z0-9]+/g),
  )
  const alternatives: { id: string; score: number }[] = []
  let parentMean = EXPECTED_AT_FIRST
  let rated: Rated[] = []
  // From the universal templates to the specific ones: the result of each group is the prior of the next.
  for (const group of groups.toReversed()) {
    const scores = group.flatMap((template) => scoreOf(template) ?? [])
    const mean = groupMean(pooled(scores, now), parentMean)
    rated = group.map((template) => ({
      template,
      worth: posterior(scoreOf(template), expected(mean, template, words), now),
    }))
    alternatives.unshift(...rated.map(summary).sort((one, other) => other.score - one.score))
    parentMean = mean
  }
  const { template, worth } = draw(rated, random)
  return { template, score: worth.mean, alternatives: alternatives.filter(({ id }) => id !== template.id) }
}

interface Rated {
  readonly template: Template
  readonly worth: Posterior
}

function draw(rated: readonly Rated[], random: Random): Rated {
  const [first] = rated
  if (first === undefined) throw new Error('a catalogue always has a universal template')
  let best = first
  let highest = -1
  for (const one of rated) {
    const drawn = rated.length === 1 ? 0 : drawBeta(one.worth.a, one.worth.b, random)
    if (drawn > highest) {
      highest = drawn
      best = one
    }
  }
  return best
}

function summary({ template, worth }: Rated): { id: string; score: number } {
  return { id: template.id, score: worth.mean }
}

function expected(mean: number, { keywords }: Template, words: ReadonlySet<string>): number {
  if (keywords.length === 0) return mean
  const met = keywords.filter((keyword) => keyword.split(/[^a-z0-9]+/).every((word) => words.has(word))).length
  return Math.min(1, mean + (KEYWORDS_BONUS * met) / keywords.length)
}
