/**
 * The score of a template: evidence for choosing, and averages for display.
 *
 * Choosing uses the amount of verified success (a Beta posterior). The moving averages, the count and the time of last
 * use are for display and for detecting change, and never affect the choice: the last or most used template is not the
 * best one.
 */

/** Smoothing factor of the displayed moving averages. */
const ALPHA = 0.3
/** Smoothing factor of the moving average that detects a change in behaviour. */
const ALPHA_RECENT = 0.1
/** The half-life of evidence, in milliseconds: templates with old evidence are tried again. */
const HALF_LIFE_MS = 30 * 86_400_000
/** The prior weighs as much as this many outcomes. */
const PRIOR_WEIGHT = 6
/** If recent outcomes deviate from all outcomes by more standard deviations than this, most old evidence is dropped. */
const DRIFT_DEVIATIONS = 3.2
const DRIFT_USES_MIN = 30
const DRIFT_EVIDENCE_LEFT = 8
/** The weights of quality, time and cost in the reward of a verified success. */
const WEIGHTS = { quality: 0.6, time: 0.25, cost: 0.15 }
/** A success that takes this long, or costs this much, gets half of that part. */
const TIME_HALF_MS = 30_000
const COST_HALF_USD = 0.05

export interface Score {
  readonly usageCount: number
  /** Sum of rewards, and of their shortfall from 1; both decayed up to `evidenceAt`. */
  readonly good: number
  readonly bad: number
  /** Milliseconds since the epoch, as are all times in this file. */
  readonly evidenceAt: number
  /** 0 to 1. */
  readonly successRate: number
  readonly averageMs: number
  /** 0 to 1; null until an outcome reports a quality. */
  readonly quality: number | null
  /** 0 to 1. */
  readonly recentReward: number
  readonly lastUsedAt: number
}

export interface Outcome {
  /** Whether the verification succeeded. */
  readonly success: boolean
  readonly timeMs: number
  readonly quality: number | null
  readonly costUsd: number
}

/** The score after one more outcome. The first outcome sets the averages. */
export function learn(score: Score | undefined, outcome: Outcome, at: number): Score {
  const earned = reward(outcome)
  const success = outcome.success ? 1 : 0
  if (score === undefined) {
    return {
      usageCount: 1,
      good: earned,
      bad: 1 - earned,
      evidenceAt: at,
      successRate: success,
      averageMs: outcome.timeMs,
      quality: outcome.quality,
      recentReward: earned,
      lastUsedAt: at,
    }
  }
  const kept = keptAfter(at - score.evidenceAt)
  return {
    usageCount: score.usageCount + 1,
    good: score.good * kept + earned,
    bad: score.bad * kept + 1 - earned,
    evidenceAt: Math.max(at, score.evidenceAt),
    successRate: moved(score.successRate, success, ALPHA),
    averageMs: moved(score.averageMs, outcome.timeMs, ALPHA),
    quality:
      outcome.quality === null || score.quality === null
        ? (outcome.quality ?? score.quality)
        : moved(score.quality, outcome.quality, ALPHA),
    recentReward: moved(score.recentReward, earned, ALPHA_RECENT),
    lastUsedAt: Math.max(at, score.lastUsedAt),
  }
}

/** 0 to 1; a failure gets 0, and an unmeasured quality counts as the success. */
export function reward({ success, timeMs, quality, costUsd }: Outcome): number {
  if (!success) return 0
  const time = TIME_HALF_MS / (TIME_HALF_MS + timeMs)
  const cost = COST_HALF_USD / (COST_HALF_USD + costUsd)
  return WEIGHTS.quality * (quality ?? 1) + WEIGHTS.time * time + WEIGHTS.cost * cost
}

/** The expected reward of a template: a Beta distribution. */
export interface Posterior {
  readonly a: number
  readonly b: number
  /** Its mean, 0 to 1. */
  readonly mean: number
}

/** @param expected 0 to 1, the prior for a template that was never used */
export function posterior(score: Score | undefined, expected: number, now: number): Posterior {
  const { good, bad } = evidence(score, now)
  const a = 1 + PRIOR_WEIGHT * expected + good
  const b = 1 + PRIOR_WEIGHT * (1 - expected) + bad
  return { a, b, mean: a / (a + b) }
}

/** The rewards that still count, and their shortfall from 1: faded by age, and mostly dropped after a drift. */
export function evidence(score: Score | undefined, now: number): { good: number; bad: number } {
  if (score === undefined) return { good: 0, bad: 0 }
  const kept = keptAfter(now - score.evidenceAt)
  const good = score.good * kept
  const bad = score.bad * kept
  if (!drifted(score)) return { good, bad }
  const left = Math.min(DRIFT_EVIDENCE_LEFT, good + bad)
  return { good: left * score.recentReward, bad: left * (1 - score.recentReward) }
}

/** The outcomes of several templates together. */
export function pooled(scores: readonly Score[], now: number): { good: number; bad: number } {
  let good = 0
  let bad = 0
  for (const score of scores) {
    const kept = keptAfter(now - score.evidenceAt)
    good += score.good * kept
    bad += score.bad * kept
  }
  return { good, bad }
}

/** The mean of a group, shrunk towards the mean of its parent group if there is little evidence. */
export function groupMean({ good, bad }: { good: number; bad: number }, parentMean: number): number {
  return (good + PRIOR_WEIGHT * parentMean) / (good + bad + PRIOR_WEIGHT)
}

function drifted({ usageCount, good, bad, recentReward }: Score): boolean {
  if (usageCount <= DRIFT_USES_MIN) return false
  const mean = (good + 1) / (good + bad + 2)
  // The variance of an exponential average of independent outcomes is alpha / (2 - alpha) of their variance.
  const deviation = Math.sqrt((mean * (1 - mean) * ALPHA_RECENT) / (2 - ALPHA_RECENT))
  return Math.abs(recentReward - mean) > DRIFT_DEVIATIONS * deviation
}

function keptAfter(elapsedMs: number): number {
  return elapsedMs <= 0 ? 1 : 0.5 ** (elapsedMs / HALF_LIFE_MS)
}

function moved(average: number, value: number, alpha: number): number {
  return average + alpha * (value - average)
}
