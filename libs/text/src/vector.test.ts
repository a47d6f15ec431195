import { describe, expect, it } from 'vitest'
import { cosine, readVector, unitVector, vectorBytes, vectorText } from './vector.ts'

describe('a vector', () => {
  it('has length 1, and is the same after the wire', () => {
    const vector = unitVector([3, 0, 0, 0, 4])
    expect([...vector]).toEqual([Math.fround(0.6), 0, 0, 0, Math.fround(0.8)])
    expect(readVector(Buffer.from(vectorText(vector), 'base64'), 5)).toEqual(vector)
    expect(cosine(vector, vector)).toBeCloseTo(1, 6)
    expect(cosine(unitVector([1, 0]), Float32Array.of(9, 9, 0, 1), 2)).toBe(0)
  })

  it.each([[[]], [[0, 0]], [[1, Number.NaN]], [[1, Number.POSITIVE_INFINITY]]])('is not made of %j', (values) => {
    expect(() => unitVector(values)).toThrow(RangeError)
  })

  it('is not read from other bytes', () => {
    expect(readVector(vectorBytes(Float32Array.of(1, 2)), 3)).toBeUndefined()
    expect(readVector(vectorBytes(Float32Array.of(1, Number.NaN)), 2)).toBeUndefined()
  })
})
