/** Hits and misses by tenant since this process started. */

export interface HitCounts {
  count(tenant: string, hit: boolean): void
  of(tenant: string): { hits: number; misses: number }
}

export function hitCounts(): HitCounts {
  const counts = new Map<string, { hits: number; misses: number }>()
  return {
    count(tenant, hit) {
      const own = counts.get(tenant) ?? { hits: 0, misses: 0 }
      counts.set(tenant, own)
      if (hit) own.hits++
      else own.misses++
    },
    of: (tenant) => counts.get(tenant) ?? { hits: 0, misses: 0 },
  }
}
