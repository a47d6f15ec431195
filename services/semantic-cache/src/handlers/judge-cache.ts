import type { Handler } from '@deed/mesh/bus'
import type { judgeCache as contract } from '@deed/proto/cache'
import { cacheKey } from '../entry/cache-key.ts'
import type { ProposalTier } from '../tiers/proposal-tier.ts'

export function judgeCache({ proposals }: { proposals: ProposalTier }): Handler<typeof contract> {
  return async ({ held, ...scope }, { principal: { tenant } }) => ({
    judged: await proposals.judgeSolution(cacheKey(tenant, scope), held),
  })
}
