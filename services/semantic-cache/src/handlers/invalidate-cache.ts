import type { Handler } from '@deed/mesh/bus'
import type { invalidateCache as contract } from '@deed/proto/cache'
import { DeedError } from '@deed/proto/errors'
import type { Forget } from '../store/entries.ts'
import type { ExactTier } from '../tiers/exact-tier.ts'

export function invalidateCache({ tier }: { tier: ExactTier }): Handler<typeof contract> {
  return async ({ entry_id: entryId, execution_id: executionId, all }, { principal: { tenant }, log }) => {
    const wanted: Forget[] = []
    if (entryId !== undefined) wanted.push({ entryId })
    if (executionId !== undefined) wanted.push({ executionId })
    if (all) wanted.push({ all })
    const [what] = wanted
    if (!what || wanted.length > 1) {
      throw new DeedError('invalid_request', 'give exactly one of entry_id, execution_id and all', { path: '$' })
    }
    const removed = await tier.forget(tenant, what)
    log.info({ tenant, removed, ...what }, 'entries forgotten')
    return { removed }
  }
}
