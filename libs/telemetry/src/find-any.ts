/**
 * Whether any of many words may occur in a text, in a time that does not grow with their number.
 *
 * It runs on every log line, so it reads about every fifth character: a table tells for each pair of characters
 * how far the reader may skip without missing the beginning of a word.
 *
 * @see Wu and Manber, "A fast algorithm for multi-pattern searching" (1994)
 */

/**
 * @param words each of at least two characters
 * @returns a search that ignores case; it may find a word that is not there in a rare case, and never misses one
 */
export function findAny(words: readonly string[]): (text: string) => boolean {
  if (words.length === 0) return () => false
  const window = Math.min(...words.map((word) => word.length), WINDOW_CHARS_MAX)
  const skips = new Uint8Array(PAIRS).fill(window - 1)
  const wordsEndingIn = new Map<number, string[]>()
  for (const word of words) {
    for (let i = 0; i < window - 1; i++) {
      const pair = pairAt(word, i)
      skips[pair] = Math.min(skips[pair]!, window - 2 - i)
    }
    const last = pairAt(word, window - 2)
    wordsEndingIn.set(last, [...(wordsEndingIn.get(last) ?? []), word.toLowerCase()])
  }

  return (text) => {
    const end = text.length - 1
    let at = window - 2
    while (at < end) {
      const pair = pairAt(text, at)
      const skip = skips[pair]!
      if (skip === 0) {
        const start = at - window + 2
        for (const word of wordsEndingIn.get(pair) ?? []) {
          if (text.slice(start, start + word.length).toLowerCase() === word) return true
        }
        at += 1
      } else at += skip
    }
    return false
  }
}

const PAIRS = 1 << 16
const WINDOW_CHARS_MAX = 32

/** A number for two characters. Case is dropped, and characters outside Latin-1 may share a number. */
function pairAt(text: string, index: number): number {
  return (((text.charCodeAt(index) | 0x20) << 8) ^ (text.charCodeAt(index + 1) | 0x20)) & (PAIRS - 1)
}
