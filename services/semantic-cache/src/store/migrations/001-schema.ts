/** The stored entries, and the leases on computing missing ones. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table entries (
      tenant text not null default 'local',
      -- SHA-256 of tenant, text, language, context and version, in hex.
      key_hash text not null,
      kind text not null check (kind in ('answer', 'solution')),
      entry_id uuid not null,
      text text not null,
      language text,
      context_hash text not null,
      value jsonb not null,
      execution_id uuid not null,
      bytes integer not null check (bytes > 0),
      stored_at timestamptz not null default now(),
      expires_at timestamptz not null,
      primary key (tenant, key_hash, kind),
      unique (tenant, entry_id)
    )`.execute(db)
  await sql`create index entries_of_execution on entries (tenant, execution_id)`.execute(db)
  await sql`create index entries_expired on entries (expires_at)`.execute(db)
  await sql`create index entries_oldest on entries (stored_at)`.execute(db)
  // Unlogged: after a crash of the server all computations have ended, so no lease needs to survive.
  await sql`
    create unlogged table leases (
      tenant text not null default 'local',
      key_hash text not null,
      execution_id uuid not null,
      expires_at timestamptz not null,
      primary key (tenant, key_hash)
    )`.execute(db)
}
