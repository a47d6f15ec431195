/** Standing goals and schedules: what is looked at again and again. */
import { GOAL_OUTCOMES, GOAL_STATUSES } from '@deed/proto/goal'
import { CATCH_UPS, OVERLAPS } from '@deed/proto/schedule'
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create table goals (
       tenant text not null default 'local',
       name text not null,
       goal_id uuid not null unique,
       user_name text not null,
       task text not null,
       -- Of what was asked for, whatever the interval.
       source_hash text not null,
       request jsonb not null,
       steps jsonb not null,
       status text not null check (status in (${list(GOAL_STATUSES)})),
       paused boolean not null default false,
       why text,
       interval_ms integer not null check (interval_ms >= 1000),
       remedies_max integer not null check (remedies_max >= 1),
       -- Who agreed to the actions for every time, under which policy: {by, policy_version}.
       agreed jsonb,
       -- The latest execution for it, and whether it is not known yet to have ended.
       execution_id uuid,
       execution_open boolean not null default false,
       -- Rises with each claim: a look whose claim has run out writes nothing.
       looks bigint not null default 0,
       last_look_at timestamptz,
       last_outcome text check (last_outcome in (${list(GOAL_OUTCOMES)})),
       last_seen text,
       drifts bigint not null default 0,
       last_drift_at timestamptz,
       remedies jsonb not null default '[]',
       look_at timestamptz not null default now(),
       created_at timestamptz not null default now(),
       primary key (tenant, name)
     )`,
    `create index goals_look on goals (look_at) where status <> 'blocked' and not paused`,

    `create table schedules (
       tenant text not null default 'local',
       name text not null,
       schedule_id uuid not null unique,
       user_name text not null,
       source_hash text not null,
       request jsonb not null,
       cron text,
       timezone text not null,
       every_ms bigint check (every_ms >= 1000),
       overlap text not null check (overlap in (${list(OVERLAPS)})),
       catch_up text not null check (catch_up in (${list(CATCH_UPS)})),
       paused boolean not null default false,
       -- Where the times of \`every_ms\` are counted from.
       anchor timestamptz not null,
       next_due_at timestamptz not null,
       queued jsonb not null default '[]',
       last_due_at timestamptz,
       execution_id uuid,
       fired bigint not null default 0,
       skipped bigint not null default 0,
       why text,
       looks bigint not null default 0,
       look_at timestamptz not null,
       created_at timestamptz not null default now(),
       primary key (tenant, name),
       check ((cron is null) <> (every_ms is null))
     )`,
    `create index schedules_look on schedules (look_at) where not paused`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}

const list = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ')
