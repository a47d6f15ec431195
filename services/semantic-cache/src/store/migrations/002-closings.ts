/** What one wrong answer does, by scope: it closes the certificate, and vetoes its entry. */
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
  // The highest similarity at which the entry was wrong in the scope, whose vector it was measured with. Replaces vetoes.
  await sql`
    create table scope_vetoes (
      tenant text not null default 'local',
      scope_hash text not null,
      key_hash text not null,
      similarity double precision not null,
      vetoed_at timestamptz not null default now(),
      primary key (tenant, scope_hash, key_hash)
    )`.execute(db)
}
