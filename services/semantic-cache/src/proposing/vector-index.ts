/** Finds the vectors that are nearest to a vector of the same model, by comparing with each. */
import { cosine } from '@deed/text/vector'
import type { Neighbour } from './lexical-index.ts'

export interface VectorIndex {
  readonly size: number
  /** @param vector unit vector of the index's dimensions */
  add(vector: Float32Array): number
  remove(at: number): void
  /** At most `max`, the most similar first. A similarity below 0 counts as 0. */
  nearest(vector: Float32Array, max: number): Neighbour[]
}

const ROWS_AT_FIRST = 16

export function vectorIndex(dimensions: number): VectorIndex {
  let rows = new Float32Array(ROWS_AT_FIRST * dimensions)
  const used = new Set<number>()
  const free: number[] = []
  return {
    get size() {
      return used.size
    },
    add(vector) {
      const at = free.pop() ?? used.size
      if ((at + 1) * dimensions > rows.length) {
        const more = new Float32Array(rows.length * 2)
        more.set(rows)
        rows = more
      }
      rows.set(vector, at * dimensions)
      used.add(at)
      return at
    },
    remove(at) {
      if (used.delete(at)) free.push(at)
    },
    nearest(vector, max) {
      const found: Neighbour[] = []
      for (const at of used) {
        const similarity = Math.min(1, Math.max(0, cosine(vector, rows, at * dimensions)))
        if (found.length === max && similarity <= found[max - 1]!.similarity) continue
        let index = found.length
        while (index > 0 && found[index - 1]!.similarity < similarity) index--
        found.splice(index, 0, { at, similarity })
        if (found.length > max) found.pop()
      }
      return found
    },
  }
}
