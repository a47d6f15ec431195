/** A stored entry, and whether it may be served. */
import type { CacheEntry, CacheValue } from '@deed/proto/cache'
import type { CacheKey } from './cache-key.ts'

export interface StoredEntry {
  readonly entryId: string
  readonly value: CacheValue
  /** Wall-clock time. */
  readonly storedAtMs: number
  readonly expiresAtMs: number
  readonly bytes: number
}

/** Longer texts are more than a sentence: no similar one is searched. */
export const SENTENCE_CHARS_MAX = 600

/** A unit vector, and the model that made it, with its build: vectors of other models are not comparable. */
export interface ModelVector {
  readonly model: string
  readonly values: Float32Array
}

/** What is known of a stored entry without its value. */
export interface StoredSentence {
  readonly key: CacheKey
  readonly kind: CacheValue['kind']
  /** Equal for equal answers. */
  readonly answerHash: string
  /** Wall-clock time. */
  readonly expiresAtMs: number
  /** Of its words, once a model has made one. */
  readonly vector?: ModelVector | undefined
}

/**
 * An answer is served unchanged, so all of its evidence must be verified. A solution is executed and verified again.
 */
export function mayServe(value: CacheValue): boolean {
  return value.kind === 'solution' || value.evidence.every(({ outcome }) => outcome === 'verified')
}

/** @param similar how an entry for other words was found */
export function entryOnWire(
  { entryId, value, storedAtMs }: StoredEntry,
  nowMs: number,
  similar?: CacheEntry['similar'],
): CacheEntry {
  const tier = similar ? ('semantic' as const) : ('exact' as const)
  return { entry_id: entryId, tier, age_ms: Math.max(0, nowMs - storedAtMs), value, ...(similar ? { similar } : {}) }
}

/** Estimated object overhead of an entry besides its text. */
const OVERHEAD_BYTES = 400

export function bytesOf(key: CacheKey, value: CacheValue): number {
  return Buffer.byteLength(JSON.stringify(value)) + Buffer.byteLength(key.text) + OVERHEAD_BYTES
}
