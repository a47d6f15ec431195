/** What a task's own failure means for the rest of its graph, as its manifest says. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `alter table desired_state
         add column on_failure text check (on_failure in ('undo', 'ask'))`,
    )
    .execute(db)
}
