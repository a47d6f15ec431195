/** How soon a list is read again: a row that is pushed out of sight before anybody reads it is not worth a read. */

/** As many of the newest as are read again. */
export const HEAD_ROWS = 100
const PAUSE_MS = 1_000
/** Where more than half of them were new. */
const BUSY_PAUSE_MS = 5_000

/** @param before the keys of the rows after the read before the last one @param after those after the last one @returns milliseconds */
export function rereadPause(before: readonly string[], after: readonly string[]): number {
  if (before.length === 0) return PAUSE_MS
  const known = new Set(before.slice(0, HEAD_ROWS))
  const fresh = after.slice(0, HEAD_ROWS).filter((key) => !known.has(key)).length
  return fresh > HEAD_ROWS / 2 ? BUSY_PAUSE_MS : PAUSE_MS
}
