import type { Handler } from '@deed/mesh/bus'
import type { reportCache as contract } from '@deed/proto/cache'
import type { ExactTier } from '../tiers/exact-tier.ts'
import type { ProposalTier } from '../tiers/proposal-tier.ts'

interface Dependencies {
  tier: ExactTier
  proposals: ProposalTier
}

/** The entry is removed last, so that a report which failed half-way can be repeated. */
export function reportCache({ tier, proposals }: Dependencies): Handler<typeof contract> {
  return async ({ entry_id: entryId, similar }, { principal: { tenant }, log }) => {
    if (similar) await proposals.report(tenant, entryId, similar)
    const removed = await tier.forget(tenant, { entryId })
    log.info({ tenant, entryId, scope: similar?.scope }, 'a served answer was reported as wrong')
    return { removed, closed: similar !== undefined }
  }
}
