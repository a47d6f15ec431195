/** Finds what was at work beside an action without reading the whole ledger. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // The ledger grows in the order of time, so a summary per few pages is enough; and the update that writes an outcome,
  // which every action makes, still touches no other index.
  await sql`
    create index actions_by_time on actions using brin (intent_at, finished_at, undo_finished_at)
      with (pages_per_range = 16)`.execute(db)
}
