/** The parts of the semantic cache, in the order they open. */
import { connectBus } from '@deed/mesh/bus'
import { busAddress } from '@deed/mesh/connection'
import { natsProbe } from '@deed/mesh/nats-probe'
import { serveLogLevel } from '@deed/mesh/serve-log-level'
import { serveMetrics } from '@deed/process/serve-metrics'
import * as proto from '@deed/proto/cache'
import { openDatabase } from '@deed/store/database'
import { storeProbes } from '@deed/store/store-probes'
import { createLogger } from '@deed/telemetry/logger'
import type { Config } from './config.ts'
import { cacheStats } from './handlers/cache-stats.ts'
import { getCache } from './handlers/get-cache.ts'
import { invalidateCache } from './handlers/invalidate-cache.ts'
import { judgeCache } from './handlers/judge-cache.ts'
import { listCache } from './handlers/list-cache.ts'
import { putCache } from './handlers/put-cache.ts'
import { releaseCache } from './handlers/release-cache.ts'
import { reportCache } from './handlers/report-cache.ts'
import { reserveCache } from './handlers/reserve-cache.ts'
import { migrations } from './store/migrations.ts'
import { embedEntries } from './tiers/embed-entries.ts'
import { embeddings } from './tiers/embeddings.ts'
import { openExactTier } from './tiers/exact-tier.ts'
import { followedIndex } from './tiers/followed-index.ts'
import { hitCounts } from './tiers/hit-counts.ts'
import { proposalTier } from './tiers/proposal-tier.ts'
import { reservations as openReservations } from './tiers/reservations.ts'

/** One of them listens for notifications. */
const POOL_MAX = 4

/** Starts the semantic cache. Disposing it drains: running requests are answered, then it disconnects. */
export async function startSemanticCache(config: Config): Promise<AsyncDisposable> {
  await using opened = new AsyncDisposableStack()
  const log = createLogger('semantic-cache')
  const metrics = opened.use(await serveMetrics('semantic-cache', log, config))

  const store = opened.use(
    await openDatabase({
      url: config.DATABASE_URL,
      ownerUrl: config.DATABASE_OWNER_URL,
      schema: 'semantic_cache',
      migrations,
      poolMax: POOL_MAX,
      log,
    }),
  )
  const index = followedIndex(store, log)
  const tier = opened.use(
    await openExactTier({
      store,
      bytesMax: config.cache.max_size_mb * 1024 * 1024,
      answerTtlMs: config.cache.ttl_seconds * 1_000,
      follower: index,
      log,
    }),
  )
  const reservations = openReservations({ tier, store, log })
  const counts = hitCounts()

  const bus = opened.use(await connectBus({ service: 'semantic-cache', ...busAddress(config), log }))
  const vectors = embeddings({ bus, log })
  const proposals = proposalTier({ exact: tier, index, store, embed: vectors.ofQuestion, log })
  const embedding = opened.use(embedEntries({ store, index, embeddings: vectors, origin: tier.origin, log }))
  metrics.readyIf({ nats: natsProbe(bus), ...storeProbes(store, migrations) })
  serveLogLevel(bus, 'semantic-cache')
  bus.serve(proto.getCache, getCache({ tier, proposals, counts }))
  bus.serve(proto.reserveCache, reserveCache({ reservations, counts }))
  bus.serve(proto.putCache, putCache({ tier, proposals, embedding }))
  bus.serve(proto.releaseCache, releaseCache({ reservations }))
  bus.serve(proto.judgeCache, judgeCache({ proposals }))
  bus.serve(proto.reportCache, reportCache({ tier, proposals }))
  bus.serve(proto.invalidateCache, invalidateCache({ tier }))
  bus.serve(proto.listCache, listCache({ store, counts }))
  bus.serve(proto.cacheStats, cacheStats({ tier, counts, store }))

  return opened.move()
}
