import type { Handler } from '@deed/mesh/bus'
import type { cacheStats as contract } from '@deed/proto/cache'
import type { ExactTier } from '../tiers/exact-tier.ts'
import type { HitCounts } from '../tiers/hit-counts.ts'

/**
 * Entries and bytes count the tenant's entries in all replicas; hits, misses and evictions count this replica's since
 * its start.
 */
export function cacheStats({ tier, counts }: { tier: ExactTier; counts: HitCounts }): Handler<typeof contract> {
  return async (_, { principal: { tenant } }) => {
    const { hits, misses } = counts.of(tenant)
    const asked = hits + misses
    return {
      ...(await tier.count(tenant)),
      hits,
      misses,
      hit_rate: asked === 0 ? null : hits / asked,
      evictions: tier.evictions,
    }
  }
}
