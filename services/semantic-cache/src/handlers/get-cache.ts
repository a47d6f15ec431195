import type { Handler } from '@deed/mesh/bus'
import type { getCache as contract } from '@deed/proto/cache'
import { cacheKey } from '../entry/cache-key.ts'
import { entryOnWire } from '../entry/entry.ts'
import type { ExactTier } from '../tiers/exact-tier.ts'
import type { HitCounts } from '../tiers/hit-counts.ts'
import type { ProposalTier } from '../tiers/proposal-tier.ts'

interface Dependencies {
  tier: ExactTier
  proposals: ProposalTier
  counts: HitCounts
}

export function getCache({ tier, proposals, counts }: Dependencies): Handler<typeof contract> {
  return async (scope, { principal: { tenant }, setAttribute }) => {
    const key = cacheKey(tenant, scope)
    const exact = await tier.find(key)
    const similar = exact ? undefined : await proposals.find(key)
    const entry = exact ?? similar?.entry
    counts.count(tenant, entry?.entryId, similar ? 'semantic' : 'exact')
    setAttribute('deed.cache.hit', entry !== undefined)
    return { entry: entry ? entryOnWire(entry, Date.now(), similar?.similar) : null }
  }
}
