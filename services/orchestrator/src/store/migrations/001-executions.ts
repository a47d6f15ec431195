/** Executions, their tasks as desired against actual, approvals, and the audit log. */
import {
  APPROVAL_STATUSES,
  DESIRED_STATUSES,
  EXECUTION_STATUSES,
  METHODS,
  TASK_KINDS,
  TASK_STATUSES,
} from '@deed/proto/states'
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create table executions (
       tenant text not null default 'local',
       execution_id uuid not null,
       user_name text not null,
       idempotency_key text,
       request_hash text not null,
       request jsonb not null,
       trace text not null,
       status text not null check (status in (${list(EXECUTION_STATUSES)})),
       -- What the execution becomes once nothing is left to undo.
       ending text check (ending in ('failed', 'denied', 'cancelled', 'rolled_back')),
       version integer not null default 1,
       method text check (method in (${list(METHODS)})),
       model_used text,
       template_used text,
       template_version integer,
       tokens_used bigint not null default 0,
       cost_microusd bigint not null default 0 check (cost_microusd >= 0),
       cache_hit boolean not null default false,
       degraded text[] not null default '{}',
       result jsonb,
       error jsonb,
       -- Evidence of an answer that no task of this execution found.
       cited jsonb,
       audit_seq integer not null default 0,
       audit_hash text not null default '',
       created_at timestamptz not null default now(),
       updated_at timestamptz not null default now(),
       finished_at timestamptz,
       -- When the resync looks at it, whatever happened in between.
       next_check_at timestamptz not null default now() + interval '5 seconds',
       -- What follows an end (answers, learning, caching) has been seen to.
       settled boolean not null default false,
       primary key (execution_id),
       unique (tenant, idempotency_key)
     )`,
    `create index executions_check on executions (next_check_at) where not settled`,

    `create table waiters (
       waiter_id bigint generated always as identity primary key,
       tenant text not null default 'local',
       execution_id uuid not null,
       reply_to text not null check (reply_to like '\\_INBOX%'),
       due_at timestamptz not null
     )`,
    `create index waiters_of on waiters (execution_id)`,

    // What came through the durable door, under the number that its acknowledgement gave.
    `create table submissions (
       tenant text not null default 'local',
       sequence bigint not null,
       execution_id uuid not null,
       primary key (tenant, sequence)
     )`,

    `create table plans (
       tenant text not null default 'local',
       execution_id uuid not null,
       number integer not null,
       plan jsonb not null,
       plan_hash text not null,
       policy_version text not null,
       created_at timestamptz not null default now(),
       primary key (execution_id, number)
     )`,

    `create table desired_state (
       tenant text not null default 'local',
       task_id uuid not null primary key,
       execution_id uuid not null,
       position integer not null,
       name text not null,
       title text not null,
       task_kind text not null check (task_kind in (${list(TASK_KINDS)})),
       capability text not null,
       desired_status text not null check (desired_status in (${list(DESIRED_STATUSES)})),
       dependencies uuid[] not null default '{}',
       priority smallint not null default 5,
       level smallint not null default 0 check (level between 0 and 3),
       approval_id uuid,
       -- The sealed action, or what a model is asked.
       spec jsonb,
       action_hash text,
       concurrency_key text,
       replans smallint not null default 0,
       created_at timestamptz not null default now(),
       unique (execution_id, name)
     )`,
    `create index desired_state_of on desired_state (execution_id)`,

    // The last line of defence: no success without evidence, whatever the code above it believes.
    `create table actual_state (
       tenant text not null default 'local',
       task_id uuid not null primary key,
       execution_id uuid not null,
       task_kind text not null,
       actual_status text not null check (actual_status in (${list(TASK_STATUSES)})),
       intent text not null default 'do' check (intent in ('do', 'undo', 'solve')),
       token bigint not null default 0,
       assigned_agent text,
       lease_expires_at timestamptz,
       last_attempt timestamptz,
       next_attempt_at timestamptz,
       failure_count integer not null default 0,
       progress_at timestamptz not null default now(),
       effect text not null default 'none' check (effect in ('none', 'made', 'unknown')),
       concurrency_key text,
       last_error jsonb,
       verification jsonb,
       undo_verification jsonb,
       result jsonb,
       started_at timestamptz,
       finished_at timestamptz,
       check (actual_status <> 'done' or (verification is not null and verification->>'kind' is not null
         and (task_kind <> 'act' or verification->>'outcome' is not distinct from 'verified'))),
       check (actual_status <> 'undone' or (undo_verification is not null
         and undo_verification->>'outcome' is not distinct from 'verified'))
     )`,
    `create index actual_state_of on actual_state (execution_id)`,
    `create unique index actual_state_one_at_a_time on actual_state (tenant, concurrency_key)
       where actual_status = 'in_progress' and concurrency_key is not null`,

    `create table agents (
       agent_id text not null primary key,
       status text not null check (status in ('idle', 'busy', 'draining', 'gone')),
       capability text not null,
       slots integer not null,
       running integer not null,
       current_task uuid,
       last_seen timestamptz not null default now()
     )`,

    `create table approvals (
       tenant text not null default 'local',
       approval_id uuid not null primary key,
       execution_id uuid not null,
       task_id uuid not null,
       level smallint not null check (level between 1 and 3),
       status text not null check (status in (${list(APPROVAL_STATUSES)})),
       plan_hash text not null,
       policy_version text not null,
       actions jsonb not null,
       requested_by text not null,
       decided_by text,
       reason text,
       created_at timestamptz not null default now(),
       decided_at timestamptz,
       consumed_at timestamptz,
       expires_at timestamptz not null
     )`,
    `create index approvals_of on approvals (execution_id)`,
    `create index approvals_open on approvals (tenant, approval_id) where status = 'pending'`,

    `create table audit_log (
       tenant text not null default 'local',
       execution_id uuid not null,
       seq integer not null,
       type text not null,
       at timestamptz not null,
       task_id uuid,
       data jsonb not null,
       -- SHA-256 of the hash before and the canonical JSON of this row.
       hash text not null,
       primary key (execution_id, seq)
     )`,
    `create function refuse_change() returns trigger language plpgsql as $$
       begin raise exception 'the audit log is only added to'; end $$`,
    `create trigger audit_log_stands before update or delete on audit_log
       for each row execute function refuse_change()`,
    `create trigger audit_log_stays before truncate on audit_log
       for each statement execute function refuse_change()`,

    // What a worker asks before it acts: is this attempt the current one, sealed, and still wanted?
    `create view dispatch as
       select d.tenant, d.task_id, d.execution_id, a.token, d.action_hash, a.intent,
              (a.intent = 'do' and d.desired_status <> 'done') as cancelled
         from desired_state d
         join actual_state a on a.task_id = d.task_id
         left join approvals p on p.approval_id = d.approval_id
        where a.actual_status = 'in_progress'
          and (d.level = 0 or a.intent = 'undo' or p.status = 'consumed')`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
  await sql
    .raw(
      `do $$ begin
         if exists (select from pg_roles where rolname = 'deed_executor') then
           grant usage on schema orchestrator to deed_executor;
           grant select on orchestrator.dispatch to deed_executor;
         end if;
         if exists (select from pg_roles where rolname = 'deed_hybrid_agent') then
           grant usage on schema orchestrator to deed_hybrid_agent;
           grant select on orchestrator.dispatch to deed_hybrid_agent;
         end if;
         if exists (select from pg_roles where rolname = 'deed_orchestrator') then
           revoke update, delete, truncate on orchestrator.audit_log from deed_orchestrator;
         end if;
       end $$`,
    )
    .execute(db)
}

const list = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ')
