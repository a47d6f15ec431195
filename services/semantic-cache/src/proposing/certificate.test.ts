import { describe, expect, it } from 'vitest'
import { certificateOf, evidenceOf, upperBound, WRONG_SHARE_MAX } from './certificate.ts'

/** A repeatable source of numbers from 0 to 1 (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

describe('a certificate', () => {
  it('shows the exact binomial bound', () => {
    // With no wrong one, the bound solves (1 - p)^n = 0.05.
    expect(upperBound(149, 0)).toBeCloseTo(1 - 0.05 ** (1 / 149), 10)
    // From the tables of Clopper and Pearson.
    expect(upperBound(100, 2)).toBeCloseTo(0.06162, 5)
    expect(upperBound(20, 1)).toBeCloseTo(0.21611, 5)
    expect(upperBound(0, 0)).toBe(1)
    expect(upperBound(3, 3)).toBe(1)
  })

  it('is closed until enough was judged, and closes again with wrong ones', () => {
    expect(certificateOf({ judged: 0, wrong: 0 })).toEqual({ judged: 0, wrong: 0, wrong_max: 1, open: false })
    expect(certificateOf({ judged: 215, wrong: 0 }).open).toBe(false)
    expect(certificateOf({ judged: 216, wrong: 0 })).toMatchObject({ open: true })
    expect(certificateOf({ judged: 217, wrong: 1 }).open).toBe(false)
    expect(certificateOf({ judged: 2_000, wrong: 40 }).open).toBe(false)
  })

  it('bounds the wrong hits by what it promises whenever it is open', () => {
    for (let wrong = 0; wrong < 8; wrong++) {
      let judged = wrong + 1
      while (!certificateOf({ judged, wrong }).open) judged += 5
      expect(certificateOf({ judged, wrong }).wrong_max).toBeLessThanOrEqual(WRONG_SHARE_MAX)
    }
  })

  it('opens for few scopes that are as wrong as is just not permitted, though it is checked after every judgement', () => {
    const random = randomFrom(7)
    // The fewest judgements that open with so many wrong ones: each right one is more evidence.
    const opensAt = Array.from({ length: 40 }, (_, wrong) => {
      let judged = wrong + 1
      while (!certificateOf({ judged, wrong }).open) judged += wrong < 3 ? 1 : 10
      return judged
    })
    let opened = 0
    for (let stream = 0; stream < 1_000; stream++) {
      let wrong = 0
      for (let judged = 1; judged <= 1_000; judged++) {
        if (random() < WRONG_SHARE_MAX) wrong++
        if (judged >= (opensAt[wrong] ?? Number.POSITIVE_INFINITY)) {
          opened++
          break
        }
      }
    }
    // Ville's inequality: at most 1 / 40 of them; 25 are expected at most, and more than 45 have a chance of 1 in 10,000.
    expect(opened).toBeLessThanOrEqual(45)
    expect(evidenceOf(0, 0)).toBeCloseTo(1, 10)
  })
})
