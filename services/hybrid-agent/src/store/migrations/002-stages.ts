/** How often what was learned was proven, and how often it failed: a model's plan is used without a model once it is trusted. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<never>): Promise<void> {
  await sql`
    alter table learned_sentences
      add column proven integer not null default 1 check (proven >= 0),
      add column failed integer not null default 0 check (failed >= 0),
      -- The last execution that failed, was denied or was undone: it counts once.
      add column failed_by uuid`.execute(db)
}
