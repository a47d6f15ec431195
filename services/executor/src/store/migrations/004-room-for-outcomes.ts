/** Leaves room in the pages of the ledger for the outcomes that come after the intents. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // An outcome doubles a row. Where the new version finds room beside the old one, no index is written to.
  await sql`alter table actions set (fillfactor = 40)`.execute(db)
}
