import type { Handler } from '@deed/mesh/bus'
import type { getCache as contract } from '@deed/proto/cache'
import { cacheKey } from '../entry/cache-key.ts'
import { entryOnWire } from '../entry/entry.ts'
import type { ExactTier } from '../tiers/exact-tier.ts'
import type { HitCounts } from '../tiers/hit-counts.ts'

export function getCache({ tier, counts }: { tier: ExactTier; counts: HitCounts }): Handler<typeof contract> {
  return async (scope, { principal: { tenant }, setAttribute }) => {
    const entry = await tier.find(cacheKey(tenant, scope))
    counts.count(tenant, entry !== undefined)
    setAttribute('deed.cache.hit', entry !== undefined)
    return { entry: entry ? entryOnWire(entry, Date.now()) : null }
  }
}
