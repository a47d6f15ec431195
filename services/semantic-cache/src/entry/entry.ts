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

/**
 * An answer is served unchanged, so all of its evidence must be verified. A solution is executed and verified again.
 */
export function mayServe(value: CacheValue): boolean {
  return value.kind === 'solution' || value.evidence.every(({ outcome }) => outcome === 'verified')
}

export function entryOnWire({ entryId, value, storedAtMs }: StoredEntry, nowMs: number): CacheEntry {
  return { entry_id: entryId, tier: 'exact', age_ms: Math.max(0, nowMs - storedAtMs), value }
}

/** Estimated object overhead of an entry besides its text. */
const OVERHEAD_BYTES = 400

export function bytesOf(key: CacheKey, value: CacheValue): number {
  return Buffer.byteLength(JSON.stringify(value)) + Buffer.byteLength(key.text) + OVERHEAD_BYTES
}
