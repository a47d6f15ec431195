import type { Handler } from '@deed/mesh/bus'
import type { releaseCache as contract } from '@deed/proto/cache'
import { cacheKey } from '../entry/cache-key.ts'
import type { Reservations } from '../tiers/reservations.ts'

export function releaseCache({ reservations }: { reservations: Reservations }): Handler<typeof contract> {
  return async ({ execution_id, ...scope }, { principal: { tenant } }) => ({
    released: await reservations.release(cacheKey(tenant, scope), execution_id),
  })
}
