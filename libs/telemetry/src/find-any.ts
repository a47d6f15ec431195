/**
 * Tests whether any of many words may occur in a text, in a time that does not depend on their number.
 *
 * It runs on every log line, so it skips ahead: a table gives for each three characters how far the search may jump
 * without missing the beginning of a word.
 *
 * @see Wu and Manber, "A fast algorithm for multi-pattern searching" (1994)
 */

/** The minimum length of a word. */
export const WORD_CHARS_MIN = 3

/** @returns a case-insensitive search without false negatives; a false positive differs in a letter */
export function findAny(words: readonly string[]): (text: string) => boolean {
  if (words.length === 0) return () => false
  const window = Math.min(...words.map((word) => word.length), WINDOW_CHARS_MAX)
  // By the hash of a block: the distance to its last occurrence in the first `window` characters of all words.
  const skips = new Uint8Array(HASHES).fill(window - BLOCK_CHARS + 1)
  const wordsByHash = new Map<number, string[]>()
  for (const word of words) {
    for (let at = 0; at <= window - BLOCK_CHARS; at++) {
      const hash = hashAt(word, at)
      skips[hash] = Math.min(skips[hash]!, window - BLOCK_CHARS - at)
    }
    const hash = hashAt(word, window - BLOCK_CHARS)
    wordsByHash.set(hash, [...(wordsByHash.get(hash) ?? []), word.toLowerCase()])
  }

  return (text) => {
    const last = text.length - BLOCK_CHARS
    for (let at = window - BLOCK_CHARS; at <= last; ) {
      const hash = hashAt(text, at)
      const skip = skips[hash]!
      if (skip === 0) {
        const start = at - (window - BLOCK_CHARS)
        for (const word of wordsByHash.get(hash)!) {
          if (text.slice(start, start + word.length).toLowerCase() === word) return true
        }
        at += 1
      } else at += skip
    }
    return false
  }
}

const BLOCK_CHARS = WORD_CHARS_MIN
const HASHES = 1 << 15
const WINDOW_CHARS_MAX = 32

/** A case-insensitive hash of three characters. */
function hashAt(text: string, index: number): number {
  const first = (text.charCodeAt(index) | 0x20) << 10
  const second = (text.charCodeAt(index + 1) | 0x20) << 5
  return (first ^ second ^ (text.charCodeAt(index + 2) | 0x20)) & (HASHES - 1)
}
