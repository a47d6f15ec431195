/** A sentence as numbers: words, pairs of words, and the letters of words, hashed into a fixed number of places. */

export const PLACES = 1 << 13

export interface Features {
  readonly places: Uint16Array
  /** Of length 1 as a vector. */
  readonly values: Float32Array
}

const WORD = 1
const PAIR = 0.8
const LETTERS = 0.35
/** Runs of three and four letters. */
const RUN_MIN = 3
const RUN_MAX = 4
const LETTERS_MAX = 24
/** These say little about an intent. */
const LIGHT = new Set('the a an my our your this that please to of'.split(' '))

/** Of the sentence that is read: what each place has, and the places that have something, in their order. */
const sums = new Float64Array(PLACES)
const touched = new Uint16Array(PLACES)
let count = 0

export function featuresOf(words: readonly string[]): Features {
  count = 0
  let before = hashed('<')
  for (const word of words) {
    if (LIGHT.has(word)) continue
    add(hashed(word, WORD_MARK), WORD)
    add(hashed(word, withUnit(before, SPACE)), PAIR)
    before = hashed(word)
    if (!word.startsWith('__')) addLetters(word)
  }
  add(withUnit(withUnit(before, SPACE), '>'.charCodeAt(0)), PAIR)
  const places = touched.slice(0, count)
  const values = new Float32Array(count)
  let square = 0
  for (let at = 0; at < count; at++) {
    const value = sums[places[at]!]!
    sums[places[at]!] = 0
    values[at] = value
    square += value * value
  }
  const length = Math.sqrt(square)
  for (let at = 0; at < count; at++) values[at]! /= length
  return { places, values }
}

/** The runs of letters, with the ends of the word marked. */
function addLetters(word: string): void {
  const marked = `^${word.slice(0, LETTERS_MAX)}$`
  for (let size = RUN_MIN; size <= RUN_MAX; size++) {
    for (let at = 0; at + size <= marked.length; at++) {
      let value = BASIS
      for (let unit = at; unit < at + size; unit++) value = withUnit(value, marked.charCodeAt(unit))
      add(value, LETTERS)
    }
  }
}

function add(hash: number, value: number): void {
  const place = ((hash ^ (hash >>> 15)) >>> 0) % PLACES
  if (sums[place] === 0) touched[count++] = place
  sums[place]! += value
}

/** FNV-1a over the UTF-16 units. */
const BASIS = 0x811c9dc5 | 0
const withUnit = (hash: number, unit: number): number => Math.imul(hash ^ unit, 0x01000193)

function hashed(text: string, from = BASIS): number {
  let value = from
  for (let at = 0; at < text.length; at++) value = withUnit(value, text.charCodeAt(at))
  return value
}

const SPACE = ' '.charCodeAt(0)
const WORD_MARK = hashed('w ')
