import { expect, it } from 'vitest'
import { HEAD_ROWS, rereadPause } from './reread-pause.ts'

const keys = (from: number): string[] => Array.from({ length: HEAD_ROWS }, (_, index) => `${from - index}`)

it('a list that is renewed with each read is read less often than one in which a few rows are new', () => {
  const usual = rereadPause(keys(100), keys(100))
  expect(rereadPause([], keys(100))).toBe(usual)
  expect(rereadPause(keys(100), keys(150))).toBe(usual)
  expect(rereadPause(keys(100), keys(151))).toBeGreaterThan(usual)
  expect(rereadPause(keys(100), keys(500))).toBeGreaterThan(usual)
})
