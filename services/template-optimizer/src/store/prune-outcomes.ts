/** What each use came to, long after it was learned from: the scores stay, and no execution is told of again by then. */
import type { Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'

const EVERY_MS = 6 * 3_600_000
const DAY_MS = 86_400_000
const KEPT_DAYS = 180
const BATCH = 5_000
const BATCHES_MAX = 50

/** @param before milliseconds since 1970 @returns how many are gone; more may be left */
export async function pruneOutcomes(store: Pick<Store<unknown>, 'query'>, before: number): Promise<number> {
  let gone = 0
  for (let batch = 0; batch < BATCHES_MAX; batch++) {
    const rows = await store.query(
      'template_optimizer.prune_outcomes',
      `DELETE FROM template_outcomes WHERE (tenant, execution_id, template_id, template_version) IN (
         SELECT tenant, execution_id, template_id, template_version FROM template_outcomes
          WHERE recorded_at < to_timestamp($1::float8 / 1000) LIMIT ${BATCH})
       RETURNING 1`,
      [before],
    )
    gone += rows.length
    if (rows.length < BATCH) break
  }
  return gone
}

/** Now and then, by each replica; two at once do no harm. */
export function keepPruning(store: Store<unknown>, log: Log): Disposable {
  const timer = setInterval(() => {
    pruneOutcomes(store, Date.now() - KEPT_DAYS * DAY_MS).catch((error: unknown) =>
      log.warn({ err: error }, 'old outcomes could not be pruned; it is tried again'),
    )
  }, EVERY_MS)
  timer.unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
