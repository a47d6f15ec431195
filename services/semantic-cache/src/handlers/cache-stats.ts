import type { Handler } from '@deed/mesh/bus'
import type { cacheStats as contract } from '@deed/proto/cache'
import type { Store } from '@deed/store/database'
import { certificateOf, upperBound } from '../proposing/certificate.ts'
import { readLabels } from '../store/proposals.ts'
import type { ExactTier } from '../tiers/exact-tier.ts'
import type { HitCounts } from '../tiers/hit-counts.ts'

interface Dependencies {
  tier: ExactTier
  counts: HitCounts
  store: Pick<Store<unknown>, 'pool'>
}

/**
 * Entries and bytes count the tenant's entries in all replicas; hits, misses and evictions count this replica's since
 * its start. Judgements are those of all replicas.
 */
export function cacheStats({ tier, counts, store }: Dependencies): Handler<typeof contract> {
  return async (_, { principal: { tenant } }) => {
    const { hits, similarHits, misses } = counts.of(tenant)
    const asked = hits + misses
    const labels = await readLabels(store.pool, tenant)
    const answers = labels.filter(({ kind }) => kind === 'answer')
    const judged = answers.reduce((sum, scope) => sum + scope.judged, 0)
    const wrong = answers.reduce((sum, scope) => sum + scope.wrong, 0)
    return {
      ...(await tier.count(tenant)),
      similar_hits: similarHits,
      wrong_hits: { judged, wrong, wrong_max: upperBound(judged, wrong) },
      scopes: labels.map(({ counted, countedWrong, closedAt, scope, kind, way, vector }) => {
        const { open, ...bound } = certificateOf({ judged: counted, wrong: countedWrong })
        return {
          scope,
          kind,
          way,
          vector,
          ...bound,
          open: open && kind === 'answer',
          closed_at: closedAt?.toISOString() ?? null,
        }
      }),
      hits,
      misses,
      hit_rate: asked === 0 ? null : hits / asked,
      evictions: tier.evictions,
    }
  }
}
