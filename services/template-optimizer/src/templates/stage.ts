/**
 * How far a template is trusted, by its verified outcomes alone. A shipped template is trusted from the start, because
 * the tests of its release accepted it; one of your own is a candidate without outcomes, then a canary, and trusted once
 * the lower bound of its reward is high enough. Any template is demoted once the upper bound is too low. Evidence
 * fades, so a demoted template is tried again.
 */
import type { TemplateStage } from '@deed/proto/template'
import { type Interval, intervalOf } from '@deed/proto/trust'
import { evidence, type Score } from './score.ts'
import type { Template } from './template-file.ts'

/** The lower bound of the reward from which a template is trusted, and the upper bound below which it is demoted. */
const TRUSTED_LOW_MIN = 0.6
const DEMOTED_HIGH_MAX = 0.5
/** The share of choices in which templates that are not trusted compete, by the highest risk that may. */
export const EXPERIMENT_SHARE: Readonly<Record<Template['risk'], number>> = { low: 0.1, medium: 0.05, high: 0.02 }

/** Of the mean reward; 0 to 1 without evidence. */
export function rewardOf(score: Score | undefined, now: number): Interval {
  const { good, bad } = evidence(score, now)
  return intervalOf(good, bad)
}

export function stageOf({ own }: Pick<Template, 'own'>, score: Score | undefined, now: number): TemplateStage {
  const { low, high } = rewardOf(score, now)
  if (high < DEMOTED_HIGH_MAX) return 'demoted'
  if (!own || low >= TRUSTED_LOW_MIN) return 'trusted'
  return score === undefined ? 'candidate' : 'canary'
}
