import { describe, expect, it } from 'vitest'
import { editDistance, nearest } from './nearest.ts'

describe('the nearest name', () => {
  it.each([
    ['tsak', ['task', 'mode', 'text'], 'task'],
    ['max_conccurent_task', ['count', 'max_concurrent_tasks'], 'max_concurrent_tasks'],
    ['zebra', ['task', 'mode'], undefined],
    ['x', [], undefined],
  ])('of %s', (name, candidates, expected) => {
    expect(nearest(name, candidates)).toBe(expected)
  })

  it('counts a transposition as one edit', () => {
    expect(editDistance('tsak', 'task')).toBe(1)
    expect(editDistance('', 'abc')).toBe(3)
  })
})
