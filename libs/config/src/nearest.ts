/** Suggests the known name nearest to a mistyped one. */

/**
 * The candidate with the smallest edit distance to `name`, if it is near enough for a suggestion: at most a third of
 * the name's length, and one edit for short names.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best
}

/** The end of a message about an unknown name: the likely one, or all known ones. */
export function didYouMean(meant: string | undefined, known: readonly string[] = []): string {
  if (meant !== undefined) return `; did you mean ${JSON.stringify(meant)}?`
  return known.length > 0 ? `; known keys are ${known.join(', ')}` : ''
}

/**
 * Insertions, deletions, replacements and transpositions (optimal string alignment, after Damerau and Levenshtein).
 *
 * @param most of a larger distance it is only certain that it is larger
 */
export function editDistance(a: string, b: string, most = Number.POSITIVE_INFINITY): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  let leastOfLast = 0
  for (let row = 1; row <= a.length; row++) {
    const line = [row]
    let least = row
    for (let column = 1; column <= b.length; column++) {
      const replaced = last[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1)
      let distance = Math.min(replaced, last[column]! + 1, line[column - 1]! + 1)
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) distance = Math.min(distance, beforeLast[column - 2]! + 1)
      line.push(distance)
      if (distance < least) least = distance
    }
    // Of two rows, one has a part of every alignment.
    if (Math.min(least, leastOfLast) > most) return most + 1
    leastOfLast = least
    beforeLast = last
    last = line
  }
  return last[b.length]!
}
