/** What came of the calls to each model: solved, and verified afterwards. */
import type { ExecutionId } from '@deed/proto/ids'
import type { ModelCategory } from '@deed/proto/model'
import type { Store } from '@deed/store/database'

type Database = Pick<Store<unknown>, 'query'>

/** Older calls say little about a model of today. */
const DAYS = 30
const CALLS_MAX = 2_000

/** Calls of one model for tasks of one category that have ended. */
export interface ModelRecord {
  readonly model: string
  readonly category: ModelCategory
  readonly solved: number
  /** Of the solved ones, those whose execution was verified. */
  readonly verified: number
  readonly unsolved: number
  /** Median of the calls that were answered; null without one. */
  readonly median_ms: number | null
  readonly microusd: number
}

/** Of the tenant's last calls, by model and category. */
export const readModelRecords = (db: Database, tenant: string): Promise<ModelRecord[]> =>
  db.query<ModelRecord>(
    'model_records',
    `select model, category, (count(*) filter (where status = 'solved'))::int as solved,
            (count(*) filter (where verified))::int as verified,
            (count(*) filter (where status <> 'solved'))::int as unsolved,
            sum(cost_microusd)::float8 as microusd,
            percentile_cont(0.5) within group (order by duration_ms) filter (where status <> 'failed') as median_ms
       from (select * from model_calls
              where tenant = $1 and status <> 'asked' and asked_at > now() - interval '${DAYS} days'
              order by asked_at desc limit ${CALLS_MAX}) recent
      group by model, category order by model, category`,
    [tenant],
  )

/** The execution that used the solutions of these calls is verified. */
export async function markVerified(db: Database, tenant: string, executionId: ExecutionId): Promise<void> {
  await db.query(
    'mark_verified',
    `update model_calls set verified = true
      where tenant = $1 and execution_id = $2 and status = 'solved' and not verified`,
    [tenant, executionId],
  )
}
