/** When something was last written to a target, so that no answer from before is given for it. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create table written_targets (
       tenant text not null default 'local',
       -- target:<name>; * where it may have been any.
       name text not null,
       written_at timestamptz not null default now(),
       primary key (tenant, name)
     ) with (fillfactor = 50)`,
    // By the database's clock, before anything was read for it.
    'alter table executions add column admitted_at timestamptz not null default now()',
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
