/** Hot entries in memory, with least-recently-used eviction by size. */
import { defined } from '@deed/proto/json'
import { LRUCache } from 'lru-cache'
import type { CacheKey } from '../entry/cache-key.ts'
import type { StoredEntry } from '../entry/entry.ts'

export interface MemoryTier {
  /** Prefers the answer to the solution. @returns undefined if neither is stored and fresh */
  find(key: CacheKey, nowMs: number): StoredEntry | undefined
  keep(key: CacheKey, entry: StoredEntry): void
  drop(hash: string): void
  dropTenant(tenant: string): void
  clear(): void
  ofTenant(tenant: string): { entries: number; bytes: number }
  readonly evictions: number
}

interface Slot {
  readonly key: CacheKey
  answer?: StoredEntry
  solution?: StoredEntry
}

export function memoryTier(bytesMax: number): MemoryTier {
  let evictions = 0
  const slots = new LRUCache<string, Slot>({
    maxSize: bytesMax,
    sizeCalculation: bytesIn,
    dispose(_slot, _hash, reason) {
      if (reason === 'evict') evictions++
    },
  })

  return {
    find(key, nowMs) {
      const slot = slots.get(key.hash)
      // A hash collision is very unlikely, but serving one text's entry for another would be a wrong answer.
      if (!slot || slot.key.text !== key.text || slot.key.tenant !== key.tenant) return undefined
      const entry = [slot.answer, slot.solution].find((kept) => kept !== undefined && kept.expiresAtMs > nowMs)
      if (!entry) slots.delete(key.hash)
      return entry
    },
    keep(key, entry) {
      if (entry.bytes > bytesMax) return
      const { answer, solution } = slots.peek(key.hash) ?? {}
      slots.set(key.hash, { key, ...defined({ answer, solution }), [entry.value.kind]: entry })
    },
    drop: (hash) => void slots.delete(hash),
    dropTenant(tenant) {
      for (const [hash, { key }] of slots) if (key.tenant === tenant) slots.delete(hash)
    },
    clear: () => slots.clear(),
    ofTenant(tenant) {
      const own = [...slots.values()].filter(({ key }) => key.tenant === tenant)
      const entries = own.reduce((sum, { answer, solution }) => sum + (answer ? 1 : 0) + (solution ? 1 : 0), 0)
      return { entries, bytes: own.reduce((sum, slot) => sum + bytesIn(slot), 0) }
    },
    get evictions() {
      return evictions
    },
  }
}

function bytesIn({ answer, solution }: Slot): number {
  return (answer?.bytes ?? 0) + (solution?.bytes ?? 0)
}
