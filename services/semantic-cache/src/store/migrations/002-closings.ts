/** When a scope was last wrong while it was certified: what was judged before certifies it no more. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<never>): Promise<void> {
  // Whether the scope was certified: the answer would have been served, had it not been computed as an audit.
  await sql`alter table proposals add column certified boolean not null default false`.execute(db)
  await sql`
    create table closings (
      tenant text not null default 'local',
      scope_hash text not null,
      closed_at timestamptz not null default now(),
      primary key (tenant, scope_hash)
    )`.execute(db)
}
