/**
 * How much is known about wrong hits, and whether it is enough to serve.
 *
 * A scope is certified by judged proposals: answers that would have been served, compared with the answer that was
 * computed afresh. What is served is bounded at any time, however often it is checked: the certificate is a test
 * martingale against "at least `WRONG_SHARE_MAX` are wrong", and by Ville's inequality a scope that is that bad is ever
 * certified with a probability of at most `FALSE_SHARE_MAX`.
 *
 * @see Ville (1939); Ramdas et al., "Game-theoretic statistics and safe anytime-valid inference" (2023)
 * @see Clopper and Pearson (1934), for the bound that is shown
 */

/** Proposals of one scope and way that were judged. */
export interface Judged {
  readonly judged: number
  readonly wrong: number
}

export interface Certificate extends Judged {
  /** Upper bound of the share of wrong hits, at 95 % confidence. */
  readonly wrong_max: number
  readonly open: boolean
}

/** Of the hits, at most this share may be wrong. */
export const WRONG_SHARE_MAX = 0.02
/** The chance that a scope which is worse is ever certified. */
const FALSE_SHARE_MAX = 0.05
/** Same words, and the vote of neighbours: each has a certificate of its own. */
const WAYS = 2
const EVIDENCE_MIN = WAYS / FALSE_SHARE_MAX

export function certificateOf({ judged, wrong }: Judged): Certificate {
  return { judged, wrong, wrong_max: upperBound(judged, wrong), open: evidenceOf(judged, wrong) >= EVIDENCE_MIN }
}

const STEPS = 60

/**
 * The wealth of a bet against "a share of `WRONG_SHARE_MAX` is wrong": its mean over smaller shares, under the prior
 * Beta(0.5, 1 / WRONG_SHARE_MAX). The order of the judgements does not matter.
 */
export function evidenceOf(judged: number, wrong: number): number {
  let mass = 0
  let wealth = 0
  for (let step = 0; step < STEPS; step++) {
    const u = (step + 0.5) / STEPS
    const share = WRONG_SHARE_MAX * u * u
    // The density of u, of which the root in Beta's density takes the pole away.
    const weight = (1 - share) ** (1 / WRONG_SHARE_MAX - 1)
    mass += weight
    wealth +=
      weight *
      Math.exp(
        wrong * Math.log(share / WRONG_SHARE_MAX) +
          (judged - wrong) * (Math.log1p(-share) - Math.log1p(-WRONG_SHARE_MAX)),
      )
  }
  return wealth / mass
}

/** Clopper-Pearson, one-sided, 95 %: the share at which so few wrong ones have a chance of 5 %. 1 if none was judged. */
export function upperBound(judged: number, wrong: number): number {
  if (wrong >= judged) return 1
  let [low, high] = [wrong / judged, 1]
  for (let step = 0; step < 60; step++) {
    const share = (low + high) / 2
    if (atMost(wrong, judged, share) > 0.05) low = share
    else high = share
  }
  return high
}

/** The chance of at most `wrong` wrong ones. */
function atMost(wrong: number, judged: number, share: number): number {
  let log = judged * Math.log1p(-share)
  let sum = Math.exp(log)
  for (let count = 1; count <= wrong; count++) {
    log += Math.log((judged - count + 1) / count) + Math.log(share) - Math.log1p(-share)
    sum += Math.exp(log)
  }
  return sum
}
