/** Deletes old outcomes. Their scores are kept; after this time no execution is reported again. */
import { every } from '@deed/process/every'
import type { Store } from '@deed/store/database'
import { deleteInBatches } from '@deed/store/delete-in-batches'
import type { Log } from '@deed/telemetry/logger'

const EVERY_MS = 6 * 3_600_000
const DAY_MS = 86_400_000
const KEPT_DAYS = 180

/**
 * @param before milliseconds since 1970
 * @returns the number of deleted rows; more may remain
 */
export const pruneOutcomes = (store: Pick<Store<unknown>, 'query'>, before: number): Promise<number> =>
  deleteInBatches(async (limit) => {
    const rows = await store.query(
      'template_optimizer.prune_outcomes',
      `delete from template_outcomes where (tenant, execution_id, template_id, template_version) in (
         select tenant, execution_id, template_id, template_version from template_outcomes
          where recorded_at < to_timestamp($1::float8 / 1000) limit $2)
       returning 1`,
      [before, limit],
    )
    return rows.length
  })

/** Runs periodically in each replica; concurrent runs are safe. */
export const keepPruning = (store: Store<unknown>, log: Log): AsyncDisposable =>
  every(EVERY_MS, () => pruneOutcomes(store, Date.now() - KEPT_DAYS * DAY_MS), {
    failed: 'pruning old outcomes failed; the next run will retry',
    log,
  })
