import type { Handler } from '@deed/mesh/bus'
import type { listCache as contract } from '@deed/proto/cache'
import type { Store } from '@deed/store/database'
import { listEntries } from '../store/entries.ts'
import type { HitCounts } from '../tiers/hit-counts.ts'

interface Dependencies {
  store: Pick<Store<unknown>, 'pool'>
  counts: HitCounts
}

export function listCache({ store, counts }: Dependencies): Handler<typeof contract> {
  return async ({ kind, execution_id: executionId, limit, cursor }, { principal: { tenant } }) => {
    const found = await listEntries(store.pool, tenant, { kind, executionId, limit, cursor })
    const page = found.slice(0, limit)
    return {
      entries: page.map(({ cursor: _, ...entry }) => ({
        ...entry,
        tier: 'exact' as const,
        hits: counts.ofEntry(entry.entry_id),
      })),
      next_cursor: found.length > limit ? (page.at(-1)?.cursor ?? null) : null,
    }
  }
}
