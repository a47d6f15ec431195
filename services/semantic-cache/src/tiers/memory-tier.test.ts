import { describe, expect, it } from 'vitest'
import { answer, solution } from '../../test/test-values.ts'
import { cacheKey } from '../entry/cache-key.ts'
import { memoryTier } from './memory-tier.ts'

const key = (text: string) => cacheKey('local', { text, context_hash: '' })
const entry = (text: string, { expiresAtMs = 1_000, bytes = 10, value = answer(text) } = {}) => ({
  entryId: text,
  value,
  storedAtMs: 0,
  expiresAtMs,
  bytes,
})

describe('entries in memory', () => {
  it('are found until they expire', () => {
    const memory = memoryTier(100)
    memory.keep(key('a'), entry('a'))
    expect(memory.find(key('a'), 999)?.entryId).toBe('a')
    expect(memory.find(key('a'), 1_000)).toBeUndefined()
    expect(memory.ofTenant('local')).toEqual({ entries: 0, bytes: 0 })
  })

  it('are evicted by size, least recently used first', () => {
    const memory = memoryTier(30)
    for (const text of ['a', 'b', 'c']) memory.keep(key(text), entry(text))
    memory.find(key('a'), 0)
    memory.keep(key('d'), entry('d'))
    expect(memory.find(key('b'), 0)).toBeUndefined()
    expect(memory.find(key('a'), 0)?.entryId).toBe('a')
    expect(memory.ofTenant('local').bytes).toBe(30)
    expect(memory.evictions).toBe(1)
    memory.keep(key('e'), entry('e', { bytes: 31 }))
    expect(memory.find(key('e'), 0)).toBeUndefined()
    expect(memory.find(key('a'), 0)?.entryId).toBe('a')
  })

  it('return the answer while it is fresh, and then the solution', () => {
    const memory = memoryTier(100)
    memory.keep(key('a'), entry('solution', { expiresAtMs: 5_000, value: solution('x') }))
    memory.keep(key('a'), entry('answer'))
    expect(memory.find(key('a'), 0)?.entryId).toBe('answer')
    expect(memory.find(key('a'), 2_000)?.entryId).toBe('solution')
    expect(memory.ofTenant('local')).toEqual({ entries: 2, bytes: 20 })
    memory.dropTenant('local')
    expect(memory.ofTenant('local')).toEqual({ entries: 0, bytes: 0 })
  })

  it('are not served for another text with the same hash', () => {
    const memory = memoryTier(100)
    memory.keep(key('a'), entry('a'))
    expect(memory.find({ ...key('b'), hash: key('a').hash }, 0)).toBeUndefined()
  })
})
