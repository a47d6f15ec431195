/**
 * Chooses between templates that fit by Thompson sampling: a template is used as often as it is likely to be the best.
 * A worse template loses its traffic, and a new one gets enough to be evaluated: where a trusted one fits, the others
 * compete in a small share of the choices only, which is smaller for a higher risk.
 */
import type { TemplateChoice, TemplateExplanation } from '@deed/proto/template'
import type { Catalogue, Wanted } from '../templates/catalogue.ts'
import { groupMean, type Posterior, pooled, posterior, type Score } from '../templates/score.ts'
import { EXPERIMENT_SHARE, rewardOf, stageOf } from '../templates/stage.ts'
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
  /** Every template of the most specific group, and why it was chosen or not. */
  readonly candidates: TemplateExplanation['candidates']
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
  const words = new Set(
    task
      .slice(0, 2000)
      .toLowerCase()
      .match(/[a-z0-9]+/g),
  )
  const groups = catalogue.fitting({ ...wanted, words })
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
      stage: stageOf(template, scoreOf(template), now),
    }))
    alternatives.unshift(...rated.map(summary).sort((one, other) => other.score - one.score))
    parentMean = mean
  }
  const drawn = draw(rated, random)
  const [best] = drawn
  if (best === undefined) throw new Error('a catalogue always has a universal template')
  const candidates = rated.map(({ template, worth, stage }) => ({
    id: template.id,
    version: template.version,
    stage,
    uses: scoreOf(template)?.usageCount ?? 0,
    mean: worth.mean,
    ...rewardOf(scoreOf(template), now),
    drawn: drawn.find((one) => one.template === template)?.value ?? null,
  }))
  const { template, worth } = best
  return { template, score: worth.mean, alternatives: alternatives.filter(({ id }) => id !== template.id), candidates }
}

interface Rated {
  readonly template: Template
  readonly worth: Posterior
  readonly stage: ReturnType<typeof stageOf>
}

/** The templates that compete this time, each with its draw, the highest first. */
function draw(rated: readonly Rated[], random: Random): readonly (Rated & { readonly value: number })[] {
  return competing(rated, random)
    .map((one) => ({ ...one, value: drawBeta(one.worth.a, one.worth.b, random) }))
    .sort((one, other) => other.value - one.value)
}

function competing(rated: readonly Rated[], random: Random): readonly Rated[] {
  const trusted = rated.filter(({ stage }) => stage === 'trusted')
  if (trusted.length === rated.length) return rated
  const ticket = random()
  if (trusted.length > 0) {
    return rated.filter(({ template, stage }) => stage === 'trusted' || ticket < EXPERIMENT_SHARE[template.risk])
  }
  const hopeful = rated.filter(({ stage }) => stage !== 'demoted')
  return hopeful.length > 0 ? hopeful : rated
}

function summary({ template, worth }: Rated): { id: string; score: number } {
  return { id: template.id, score: worth.mean }
}

function expected(mean: number, { keywords }: Template, words: ReadonlySet<string>): number {
  if (keywords.length === 0) return mean
  const met = keywords.filter((keyword) => keyword.split(/[^a-z0-9]+/).every((word) => words.has(word))).length
  return Math.min(1, mean + (KEYWORDS_BONUS * met) / keywords.length)
}
