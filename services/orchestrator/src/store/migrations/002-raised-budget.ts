/** What models may cost for an execution once it was resumed with another budget. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<never>): Promise<void> {
  await db.schema.alterTable('executions').addColumn('budget_microusd', 'bigint').execute()
}
