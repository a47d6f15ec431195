/** What models were asked long ago, and what was spent on it, where no task that is under way can come back to it. */
import type { Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'

const EVERY_MS = 6 * 3_600_000
const DAY_MS = 86_400_000
const BATCH = 5_000

/** @param before milliseconds since 1970 @returns how many are gone; as many as a batch has where more are left */
export async function pruneModelCalls(store: Store<unknown>, before: number): Promise<number> {
  const rows = await store.query(
    'hybrid_agent.prune_calls',
    `delete from model_calls where (tenant, task_id, call_number) in (
       select tenant, task_id, call_number from model_calls m
        where asked_at < to_timestamp($1::float8 / 1000)
          and not exists (select from orchestrator.dispatch d where d.task_id = m.task_id)
        limit ${BATCH})
     returning task_id`,
    [before],
  )
  await store.query(
    'hybrid_agent.prune_budgets',
    'delete from budgets where updated_at < to_timestamp($1::float8 / 1000)',
    [before],
  )
  return rows.length
}

/** Now and then, by each replica; two at once do no harm. */
export function keepPruning(store: Store<unknown>, days: number, log: Log): Disposable {
  const timer = setInterval(() => {
    pruneModelCalls(store, Date.now() - days * DAY_MS).catch((error: unknown) =>
      log.warn({ err: error }, 'old model calls could not be pruned; it is tried again'),
    )
  }, EVERY_MS)
  timer.unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
