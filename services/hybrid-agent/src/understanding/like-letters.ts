/** Words by their length and letters, so that few of many are compared with a misspelt one. */

interface OfLength {
  readonly places: number[]
  /** A bit for each letter that the word has. */
  readonly letters: number[]
}

/** @returns the words, in their order, that the given number of edits may make of a word; most of those that it cannot are left out */
export function lettersIndex(words: Iterable<string>): (word: string, edits: number) => string[] {
  const all = [...new Set(words)]
  const byLength: OfLength[] = []
  for (const [place, word] of all.entries()) {
    byLength[word.length] ??= { places: [], letters: [] }
    byLength[word.length]!.places.push(place)
    byLength[word.length]!.letters.push(lettersOf(word))
  }
  return (word, edits) => {
    const has = lettersOf(word)
    const found: number[] = []
    for (let length = Math.max(0, word.length - edits); length <= word.length + edits; length++) {
      const known = byLength[length]
      if (!known) continue
      for (let at = 0; at < known.letters.length; at++)
        // An edit puts one letter in place of another.
        if (bitsOf(known.letters[at]! ^ has) <= 2 * edits) found.push(known.places[at]!)
    }
    return found.sort((a, b) => a - b).map((place) => all[place]!)
  }
}

function lettersOf(word: string): number {
  let bits = 0
  for (let at = 0; at < word.length; at++) bits |= 1 << (word.charCodeAt(at) & 31)
  return bits
}

/** How many bits are 1. */
function bitsOf(bits: number): number {
  let count = bits - ((bits >>> 1) & 0x55555555)
  count = (count & 0x33333333) + ((count >>> 2) & 0x33333333)
  return Math.imul((count + (count >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
