/** Deletes old model calls and budgets that no running task can refer to. */
import { every } from '@deed/process/every'
import type { Store } from '@deed/store/database'
import { deleteInBatches } from '@deed/store/delete-in-batches'
import type { Log } from '@deed/telemetry/logger'
import { DEPARTMENT } from './department-budgets.ts'

const EVERY_MS = 6 * 3_600_000
const DAY_MS = 86_400_000

/** @param before milliseconds since 1970 @returns how many calls are gone; more may be left */
export async function pruneModelCalls(store: Pick<Store<unknown>, 'query'>, before: number): Promise<number> {
  const gone = await deleteInBatches(async (limit) => {
    const rows = await store.query(
      'hybrid_agent.prune_calls',
      `delete from model_calls where (tenant, task_id, call_number) in (
         select tenant, task_id, call_number from model_calls m
          where asked_at < to_timestamp($1::float8 / 1000)
            and not exists (select from orchestrator.dispatch d where d.task_id = m.task_id)
          limit $2)
       returning 1`,
      [before, limit],
    )
    return rows.length
  })
  await store.query(
    'hybrid_agent.prune_budgets',
    `delete from budgets where updated_at < to_timestamp($1::float8 / 1000) and scope not like '${DEPARTMENT}%'`,
    [before],
  )
  return gone
}

/** Runs periodically in each replica; concurrent runs are safe. */
export const keepPruning = (store: Store<unknown>, days: number, log: Log): AsyncDisposable =>
  every(EVERY_MS, () => pruneModelCalls(store, Date.now() - days * DAY_MS), {
    failed: 'pruning old model calls failed; the next run will retry',
    log,
  })
