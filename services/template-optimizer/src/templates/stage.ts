/**
 * How far a template is trusted, by its verified outcomes alone. A shipped template is trusted from the start, because
 * the tests of its release accepted it; one of your own is a candidate without outcomes, then a canary, and trusted once
 * the lower bound of its reward is high enough. Any template is demoted once the upper bound is too low. Evidence
 * fades, so a demoted template is tried again.
 */
import type { TemplateStage } from '@deed/proto/template'
import { evidence, type Score } from './score.ts'
import type { Template } from './template-file.ts'

/** The lower bound of the reward from which a template is trusted, and the upper bound below which it is demoted. */
const TRUSTED_LOW_MIN = 0.6
const DEMOTED_HIGH_MAX = 0.5
/** Two-sided 95 %. */
const Z = 1.96

/** The share of choices in which templates that are not trusted compete, by the highest risk that may. */
export const EXPERIMENT_SHARE: Readonly<Record<Template['risk'], number>> = { low: 0.1, medium: 0.05, high: 0.02 }

interface Interval {
  /** 0 to 1 */
  readonly low: number
  readonly high: number
}

/** Wilson's interval of the mean reward; 0 to 1 without evidence. */
export function intervalOf(score: Score | undefined, now: number): Interval {
  const { good, bad } = evidence(score, now)
  const count = good + bad
  if (count === 0) return { low: 0, high: 1 }
  const mean = good / count
  const scale = 1 + Z ** 2 / count
  const middle = (mean + Z ** 2 / (2 * count)) / scale
  const half = (Z * Math.sqrt((mean * (1 - mean)) / count + Z ** 2 / (4 * count ** 2))) / scale
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
}

export function stageOf({ own }: Pick<Template, 'own'>, score: Score | undefined, now: number): TemplateStage {
  const { low, high } = intervalOf(score, now)
  if (high < DEMOTED_HIGH_MAX) return 'demoted'
  if (!own || low >= TRUSTED_LOW_MIN) return 'trusted'
  return score === undefined ? 'candidate' : 'canary'
}
