/** Hits and misses by tenant, and hits by entry, since this process started. */
import { count as countMetric } from '@deed/telemetry/metrics'

/** Entries whose hits are counted: those that were served last. */
const ENTRIES_MAX = 10_000

interface Counts {
  hits: number
  /** Of them, for similar words. */
  similarHits: number
  misses: number
}

const none = (): Counts => ({ hits: 0, similarHits: 0, misses: 0 })

export interface HitCounts {
  /** @param entryId undefined: a miss */
  count(tenant: string, entryId: string | undefined, tier?: 'exact' | 'semantic'): void
  of(tenant: string): Counts
  ofEntry(entryId: string): number
}

export function hitCounts(): HitCounts {
  const counts = new Map<string, Counts>()
  const entries = new Map<string, number>()
  const countEntry = (entryId: string): void => {
    const hits = entries.get(entryId) ?? 0
    entries.delete(entryId)
    entries.set(entryId, hits + 1)
    const [oldest] = entries.keys()
    if (entries.size > ENTRIES_MAX && oldest !== undefined) entries.delete(oldest)
  }
  return {
    count(tenant, entryId, tier = 'exact') {
      const own = counts.get(tenant) ?? none()
      counts.set(tenant, own)
      countMetric('deed_cache_requests_total', { tier, result: entryId === undefined ? 'miss' : 'hit' })
      if (entryId === undefined) own.misses++
      else {
        own.hits++
        if (tier === 'semantic') own.similarHits++
        countEntry(entryId)
      }
    },
    of: (tenant) => counts.get(tenant) ?? none(),
    ofEntry: (entryId) => entries.get(entryId) ?? 0,
  }
}
