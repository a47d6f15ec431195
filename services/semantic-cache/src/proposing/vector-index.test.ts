import { unitVector } from '@deed/text/vector'
import { describe, expect, it } from 'vitest'
import { vectorIndex } from './vector-index.ts'

describe('the index of vectors', () => {
  it('returns the nearest ones first, and reuses the place of one that was removed', () => {
    const index = vectorIndex(3)
    const ids = Array.from({ length: 100 }, (_, n) => index.add(unitVector([1, n / 10, 0])))
    const asked = unitVector([1, 5, 0])
    expect(index.nearest(asked, 3).map(({ at }) => at)).toEqual([50, 51, 49].map((n) => ids[n]))
    expect(index.nearest(asked, 1)[0]?.similarity).toBeCloseTo(1, 6)
    index.remove(ids[50]!)
    expect(index.nearest(asked, 3).map(({ at }) => at)).not.toContain(ids[50])
    expect(index.add(unitVector([0, 0, 1]))).toBe(ids[50])
    expect(index.size).toBe(100)
    expect(index.nearest(unitVector([0, 0, -1]), 1)).toMatchObject([{ similarity: 0 }])
  })
})
