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
/** These say little about an intent. */
const LIGHT = new Set('the a an my our your this that please to of'.split(' '))
const GENERIC = /^__/

export function featuresOf(words: readonly string[]): Features {
  const sums = new Map<number, number>()
  const add = (place: number, value: number): void => {
    sums.set(place, (sums.get(place) ?? 0) + value)
  }
  let before = '<'
  for (const word of words) {
    if (LIGHT.has(word)) continue
    add(hash(`w ${word}`), WORD)
    add(hash(`${before} ${word}`), PAIR)
    before = word
    if (!GENERIC.test(word)) for (const place of lettersOf(word)) add(place, LETTERS)
  }
  add(hash(`${before} >`), PAIR)
  const places = new Uint16Array(sums.size)
  const values = new Float32Array(sums.size)
  let at = 0
  let square = 0
  for (const [place, value] of sums) {
    places[at] = place
    values[at++] = value
    square += value * value
  }
  const length = Math.sqrt(square)
  for (let index = 0; index < at; index++) values[index]! /= length
  return { places, values }
}

/** The runs of three and four letters, with the ends of the word marked. */
function lettersOf(word: string): number[] {
  const marked = `^${word.slice(0, 24)}$`
  const places: number[] = []
  for (let size = 3; size <= 4; size++)
    for (let at = 0; at + size <= marked.length; at++) places.push(hash(marked, at, at + size))
  return places
}

/** FNV-1a over the UTF-16 units. */
function hash(text: string, from = 0, to = text.length): number {
  let value = 0x811c9dc5
  for (let at = from; at < to; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return ((value ^ (value >>> 15)) >>> 0) % PLACES
}
