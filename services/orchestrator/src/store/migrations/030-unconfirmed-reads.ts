/** A read that may be made only once is done by its answer alone; what has an effect is not. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    'alter table actual_state drop constraint actual_state_check',
    `alter table actual_state add constraint actual_state_done_has_evidence
       check (actual_status <> 'done' or (verification is not null and verification->>'kind' is not null
         and (task_kind <> 'act' or verification->>'outcome' is not distinct from 'verified'
           or (verification->>'kind' is not distinct from 'unconfirmed' and effect = 'none'))))`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
