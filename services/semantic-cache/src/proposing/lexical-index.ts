/**
 * Finds the texts that are most like a text, by the words, pairs of words and letters that they share.
 *
 * An inverted index: a query reads the lists of its own places alone, and adds up what each text has there.
 */
import { featuresOf } from '@deed/text/features'

export interface Neighbour {
  /** The number that `add` returned. */
  readonly at: number
  /** The cosine of the angle between the vectors, 0 (nothing shared) to 1. */
  readonly similarity: number
}

export interface LexicalIndex {
  readonly size: number
  add(words: readonly string[]): number
  /** @param words the same that were added */
  remove(at: number, words: readonly string[]): void
  /** At most `max`, the most similar first. */
  nearest(words: readonly string[], max: number): Neighbour[]
}

/** The texts that have something at one place, and how much of it. */
interface List {
  ids: Uint32Array
  values: Float32Array
  length: number
}

export function lexicalIndex(): LexicalIndex {
  const lists = new Map<number, List>()
  const free: number[] = []
  let sums = new Float32Array(64)
  let next = 0
  let size = 0

  return {
    get size() {
      return size
    },
    add(words) {
      const at = free.pop() ?? next++
      if (at >= sums.length) sums = new Float32Array(sums.length * 2)
      const { places, values } = featuresOf(words)
      for (const [index, place] of places.entries()) append(lists, place, at, values[index]!)
      size++
      return at
    },
    remove(at, words) {
      for (const place of featuresOf(words).places) take(lists, place, at)
      size--
      free.push(at)
    },
    nearest(words, max) {
      const { places, values } = featuresOf(words)
      const touched: number[] = []
      for (let index = 0; index < places.length; index++) {
        const list = lists.get(places[index]!)
        if (!list) continue
        const value = values[index]!
        for (let entry = 0; entry < list.length; entry++) {
          const at = list.ids[entry]!
          if (sums[at] === 0) touched.push(at)
          sums[at]! += value * list.values[entry]!
        }
      }
      return largest(touched, sums, max)
    },
  }
}

function append(lists: Map<number, List>, place: number, at: number, value: number): void {
  const list = lists.get(place) ?? { ids: new Uint32Array(4), values: new Float32Array(4), length: 0 }
  lists.set(place, list)
  if (list.length === list.ids.length) {
    const { ids, values } = list
    list.ids = new Uint32Array(ids.length * 2)
    list.values = new Float32Array(ids.length * 2)
    list.ids.set(ids)
    list.values.set(values)
  }
  list.ids[list.length] = at
  list.values[list.length++] = value
}

/** The last of the list takes its position. */
function take(lists: Map<number, List>, place: number, at: number): void {
  const list = lists.get(place)
  const found = list?.ids.subarray(0, list.length).indexOf(at) ?? -1
  if (!list || found < 0) return
  list.length--
  list.ids[found] = list.ids[list.length]!
  list.values[found] = list.values[list.length]!
  if (list.length === 0) lists.delete(place)
}

/** Leaves all sums at 0. */
function largest(touched: readonly number[], sums: Float32Array, max: number): Neighbour[] {
  const found: Neighbour[] = []
  let least = 0
  for (const at of touched) {
    const similarity = sums[at]!
    sums[at] = 0
    if (found.length === max && similarity <= least) continue
    let index = found.length
    while (index > 0 && found[index - 1]!.similarity < similarity) index--
    found.splice(index, 0, { at, similarity: Math.min(1, similarity) })
    if (found.length > max) found.pop()
    least = found.at(-1)!.similarity
  }
  return found
}
