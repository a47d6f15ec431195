/** Vectors of texts, as a model made them: of length 1, float32. */

/**
 * @returns the vector with length 1
 * @throws {RangeError} if it has no direction: no numbers, infinite ones, or all 0
 */
export function unitVector(values: readonly number[]): Float32Array {
  const length = Math.hypot(...values)
  if (values.length === 0 || !Number.isFinite(length) || length === 0) throw new RangeError('it has no direction')
  return Float32Array.from(values, (value) => value / length)
}

/** Little-endian, as base64. */
export const vectorText = (vector: Float32Array): string => vectorBytes(vector).toString('base64')

export const vectorBytes = (vector: Float32Array): Buffer =>
  Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength)

/** @returns undefined if these are not as many float32 as dimensions, or some are not finite */
export function readVector(bytes: Uint8Array, dimensions: number): Float32Array | undefined {
  if (bytes.byteLength !== dimensions * Float32Array.BYTES_PER_ELEMENT) return undefined
  const vector = new Float32Array(Uint8Array.from(bytes).buffer)
  return vector.every(Number.isFinite) ? vector : undefined
}

/** The cosine of the angle between two vectors of length 1. @param from where the second one begins in `others` */
export function cosine(one: Float32Array, others: Float32Array, from = 0): number {
  let [a, b, c, d] = [0, 0, 0, 0]
  const whole = one.length & ~3
  for (let at = 0; at < whole; at += 4) {
    a += one[at]! * others[from + at]!
    b += one[at + 1]! * others[from + at + 1]!
    c += one[at + 2]! * others[from + at + 2]!
    d += one[at + 3]! * others[from + at + 3]!
  }
  for (let at = whole; at < one.length; at++) a += one[at]! * others[from + at]!
  return a + b + c + d
}
