/** A read that may be made only once is done by its answer alone; what has an effect is not. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table actions drop constraint actions_check`.execute(db)
  await sql`alter table actions add constraint actions_done_has_evidence
    check (outcome is distinct from 'done' or evidence ->> 'outcome' is not distinct from 'verified'
      or (evidence ->> 'kind' is not distinct from 'unconfirmed' and effect is not distinct from 'none'))`.execute(db)
}
