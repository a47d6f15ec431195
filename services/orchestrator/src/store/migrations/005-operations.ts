/** What operators rely on: anchors of the audit log, alerts told once, rate limits, and what retention has pruned. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    // Each row chains the heads that moved since the one before: whoever rewrites a chain must rewrite all that follow.
    `create table audit_anchors (
       tenant text not null default 'local',
       -- Gapless from 1, so that of two writers one loses.
       number integer not null,
       at timestamptz not null,
       -- Per execution: the number and the hash of its newest row.
       heads jsonb not null,
       -- SHA-256 of the hash before and the canonical JSON of this row.
       hash text not null,
       primary key (tenant, number)
     )`,
    `create trigger audit_anchors_stand before update or delete on audit_anchors
       for each row execute function refuse_change()`,
    `create trigger audit_anchors_stay before truncate on audit_anchors
       for each statement execute function refuse_change()`,

    `create table alerts (
       alert_id uuid not null primary key,
       tenant text not null,
       alert jsonb not null,
       at timestamptz not null,
       -- By a replica that delivers it.
       taken_at timestamptz not null default now(),
       -- To everyone, or given up.
       delivered_at timestamptz
     )`,
    `create index alerts_open on alerts (taken_at) where delivered_at is null`,

    // When the next one may begin, were there no burst: the generic cell rate algorithm.
    `create table rate_limits (
       target text not null primary key,
       arrival timestamptz not null
     )`,

    `alter table executions add column pruned_at timestamptz`,
    `create table retention_runs (
       name text not null primary key,
       at timestamptz not null,
       outcome jsonb not null default '{}'
     )`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
  await sql
    .raw(
      `do $$ begin
         if exists (select from pg_roles where rolname = 'deed_orchestrator') then
           revoke update, delete, truncate on orchestrator.audit_anchors from deed_orchestrator;
         end if;
       end $$`,
    )
    .execute(db)
}
