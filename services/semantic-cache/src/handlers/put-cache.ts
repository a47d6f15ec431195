import type { Handler } from '@deed/mesh/bus'
import type { putCache as contract } from '@deed/proto/cache'
import { cacheKey } from '../entry/cache-key.ts'
import type { ExactTier } from '../tiers/exact-tier.ts'

export function putCache({ tier }: { tier: ExactTier }): Handler<typeof contract> {
  return async ({ value, ttl_ms, ...scope }, { principal: { tenant } }) => {
    const { entryId } = await tier.keep(cacheKey(tenant, scope), value, ttl_ms)
    return { entry_id: entryId }
  }
}
