/** Outcomes are removed by their age. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE INDEX template_outcomes_recorded_at ON template_outcomes (recorded_at)`.execute(db)
}
