/** The stored entries, the leases on computing missing ones, and what came of entries for similar words. */
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
      -- Equal for equal answers. Without it the entry is found by its own words alone.
      answer_hash text,
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
  await sql`create index entries_newest on entries (tenant, stored_at, entry_id)`.execute(db)
  // Unlogged: after a crash of the server all computations have ended, so no lease needs to survive.
  await sql`
    create unlogged table leases (
      tenant text not null default 'local',
      key_hash text not null,
      execution_id uuid not null,
      expires_at timestamptz not null,
      primary key (tenant, key_hash)
    )`.execute(db)
  // What a similar question was or would have been answered with, until its own answer judges it; and the labels that
  // certify a scope.
  await sql`
    create table proposals (
      proposal_id bigint generated always as identity primary key,
      tenant text not null default 'local',
      -- Of tenant, kind, language, context and version of the vector.
      scope_hash text not null,
      kind text not null check (kind in ('answer', 'solution')),
      way text not null check (way in ('words', 'vote')),
      asked_hash text not null,
      proposed_hash text not null,
      answer_hash text not null,
      similarity double precision not null,
      proposed_at timestamptz not null default now(),
      wrong boolean,
      judged_at timestamptz,
      check ((wrong is null) = (judged_at is null))
    )`.execute(db)
  await sql`
    create unique index proposals_open on proposals (tenant, asked_hash, kind) where wrong is null`.execute(db)
  await sql`
    create index proposals_judged on proposals (tenant, scope_hash, way, judged_at) include (wrong)
    where wrong is not null`.execute(db)
  await sql`create index proposals_oldest on proposals (proposed_at)`.execute(db)
  // The highest similarity at which the entry was wrong: it is proposed for nothing that is not nearer.
  await sql`
    create table vetoes (
      tenant text not null default 'local',
      key_hash text not null,
      kind text not null check (kind in ('answer', 'solution')),
      similarity double precision not null,
      vetoed_at timestamptz not null default now(),
      primary key (tenant, key_hash, kind)
    )`.execute(db)
  // What was written after the backup is unknown, so no answer of before is known to hold.
  await sql`
    create function after_restore() returns void language sql set search_path from current as $$
      delete from entries where kind = 'answer'
    $$`.execute(db)
}
