import type { Handler } from '@deed/mesh/bus'
import type { reserveCache as contract } from '@deed/proto/cache'
import { cacheKey } from '../entry/cache-key.ts'
import { entryOnWire } from '../entry/entry.ts'
import type { HitCounts } from '../tiers/hit-counts.ts'
import type { Reservations } from '../tiers/reservations.ts'

interface Dependencies {
  reservations: Reservations
  counts: HitCounts
}

export function reserveCache({ reservations, counts }: Dependencies): Handler<typeof contract> {
  return async ({ execution_id, ...scope }, { principal: { tenant }, deadline }) => {
    const reserved = await reservations.reserve(cacheKey(tenant, scope), execution_id, deadline)
    if ('leadMs' in reserved) return { state: 'lead', expires_in_ms: reserved.leadMs }
    counts.count(tenant, reserved.entry.entryId)
    return { state: 'hit', entry: entryOnWire(reserved.entry, Date.now()) }
  }
}
