import type { Handler } from '@deed/mesh/bus'
import type { Periodic } from '@deed/process/every'
import type { putCache as contract } from '@deed/proto/cache'
import { cacheKey } from '../entry/cache-key.ts'
import type { ExactTier } from '../tiers/exact-tier.ts'
import type { ProposalTier } from '../tiers/proposal-tier.ts'

interface Dependencies {
  tier: ExactTier
  proposals: ProposalTier
  embedding: Pick<Periodic, 'again'>
}

export function putCache({ tier, proposals, embedding }: Dependencies): Handler<typeof contract> {
  return async ({ value, ttl_ms, ...scope }, { principal: { tenant } }) => {
    const key = cacheKey(tenant, scope)
    const { entryId } = await tier.keep(key, value, ttl_ms)
    await proposals.judgeBy(key, value)
    if (value.kind === 'answer') embedding.again()
    return { entry_id: entryId }
  }
}
