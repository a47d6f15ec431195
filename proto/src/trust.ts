/** How far what was learned is trusted, by its verified outcomes alone. */

/** Two-sided 95 %. */
const Z = 1.96

export interface Interval {
  /** 0 to 1 */
  readonly low: number
  readonly high: number
}

/** Wilson's interval of the share of good outcomes, which may be fractions; 0 to 1 without any. */
export function intervalOf(good: number, bad: number): Interval {
  const count = good + bad
  if (count === 0) return { low: 0, high: 1 }
  const mean = good / count
  const scale = 1 + Z ** 2 / count
  const middle = (mean + Z ** 2 / (2 * count)) / scale
  const half = (Z * Math.sqrt((mean * (1 - mean)) / count + Z ** 2 / (4 * count ** 2))) / scale
  return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
}
