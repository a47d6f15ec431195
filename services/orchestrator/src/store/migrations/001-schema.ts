/**
 * All that the orchestrator keeps: executions, their tasks as desired against actual, approvals and grants, goals and
 * schedules, and what operators rely on.
 */
import { GOAL_OUTCOMES, GOAL_STATUSES } from '@deed/proto/goal'
import { CATCH_UPS, OVERLAPS } from '@deed/proto/schedule'
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
       ending text check (ending in ('done', 'failed', 'denied', 'cancelled', 'rolled_back')),
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
       pruned_at timestamptz,
       -- Whether what was done is what the task asks for.
       task_verified boolean not null default true,
       -- By the database's clock, before anything was read for it.
       admitted_at timestamptz not null default now(),
       primary key (execution_id)
       -- A row that changes where it stands costs no index anything.
     ) with (fillfactor = 60)`,
    // Most executions have no key.
    `create unique index executions_key on executions (tenant, idempotency_key) where idempotency_key is not null`,
    `create index executions_check on executions (next_check_at) where not settled`,

    `create table waiters (
       waiter_id bigint generated always as identity primary key,
       tenant text not null default 'local',
       execution_id uuid not null,
       -- A caller in an account of its own is answered at a subject of the server, which it publishes there.
       reply_to text not null check (reply_to ~ '^(_INBOX[._]|_R_\\.)'),
       due_at timestamptz not null
     )`,
    `create index waiters_of on waiters (execution_id)`,

    // Submissions to the durable intake, by the sequence that their acknowledgement returned.
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
       -- What it occupies while it runs, beside the key that its manifest gives it: a service, or the root of a workspace.
       resource_key text,
       -- What a task's own failure means for the rest of its graph, as its manifest says.
       on_failure text check (on_failure in ('undo', 'ask')),
       replans smallint not null default 0,
       created_at timestamptz not null default now(),
       unique (execution_id, name)
     )`,
    `create index desired_state_people on desired_state (tenant, created_at) where capability = 'human'`,
    `create index desired_state_of_people on desired_state (tenant, created_at, task_id)
       where capability = 'human' and task_kind <> 'approve'`,

    // The last safeguard: no success without evidence, whatever the code assumes.
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
       resource_key text,
       last_error jsonb,
       verification jsonb,
       undo_verification jsonb,
       result jsonb,
       started_at timestamptz,
       finished_at timestamptz,
       -- A read that may be made only once is done by its answer alone; what has an effect is not.
       constraint actual_state_done_has_evidence
         check (actual_status <> 'done' or (verification is not null and verification->>'kind' is not null
           and (task_kind <> 'act' or verification->>'outcome' is not distinct from 'verified'
             or (verification->>'kind' is not distinct from 'unconfirmed' and effect = 'none')))),
       check (actual_status <> 'undone' or (undo_verification is not null
         and undo_verification->>'outcome' is not distinct from 'verified'))
     )`,
    `create index actual_state_of on actual_state (execution_id)`,
    `create unique index actual_state_one_at_a_time on actual_state (tenant, concurrency_key)
       where actual_status = 'in_progress' and concurrency_key is not null`,
    // Without the tenant: a folder is the same folder for every tenant.
    `create unique index actual_state_one_per_resource on actual_state (resource_key)
       where actual_status = 'in_progress' and resource_key is not null`,
    `create index actual_state_waits on actual_state (tenant, execution_id) where actual_status in ('pending', 'blocked')`,

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
       -- The hash of each action that it is for, by its task.
       sealed jsonb not null,
       plan_number integer not null,
       grant_id uuid,
       requested_by text not null,
       decided_by text,
       reason text,
       created_at timestamptz not null default now(),
       asked_at timestamptz,
       decided_at timestamptz,
       consumed_at timestamptz,
       expires_at timestamptz not null
     )`,
    `create index approvals_of on approvals (execution_id)`,
    `create index approvals_open on approvals (tenant, approval_id) where status = 'pending'`,
    `create index approvals_in_order on approvals (tenant, approval_id)`,
    `create index approvals_by_status on approvals (tenant, status, approval_id)`,
    `create index approvals_of_grant on approvals (grant_id) where grant_id is not null`,

    `create table grants (
       tenant text not null default 'local',
       grant_id uuid not null primary key,
       kind text not null,
       target text,
       workspace text,
       path text,
       input jsonb,
       -- What its names stood for when it was given.
       means jsonb not null default '{}',
       user_name text,
       level smallint not null check (level between 1 and 2),
       expires_at timestamptz not null,
       reason text,
       granted_by text not null,
       created_at timestamptz not null default now(),
       revoked_by text,
       revoked_at timestamptz,
       check (target is not null or path is not null or input is not null)
     )`,
    `create index grants_of on grants (tenant, expires_at) where revoked_at is null`,

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

    // Each row chains the heads that changed since the previous one: rewriting a chain requires rewriting all later
    // rows.
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

    // When the next task could begin without a burst: the generic cell rate algorithm.
    `create table rate_limits (
       target text not null primary key,
       arrival timestamptz not null
     )`,

    `create table retention_runs (
       name text not null primary key,
       at timestamptz not null,
       outcome jsonb not null default '{}'
     )`,

    // The observed sequences of each tenant's intake stream, so that submissions lost with its storage can be counted.
    `create table intakes (
       tenant text primary key,
       -- When the stream was made, as the server says it: another moment is another stream.
       stream_created text not null,
       -- All below has been taken, or is counted as lost.
       first_seq bigint not null,
       last_seq bigint not null,
       lost bigint not null default 0
     )`,

    // The last write to each target, so that older answers are not reused.
    `create table written_targets (
       tenant text not null default 'local',
       -- target:<name>; * where it may have been any.
       name text not null,
       written_at timestamptz not null default now(),
       primary key (tenant, name)
     ) with (fillfactor = 50)`,

    // The executor's final check: is the attempt current, not cancelled, and is exactly this action approved?
    `create view dispatch as
       select d.tenant, d.task_id, d.execution_id, a.token, d.action_hash, a.intent,
              (a.intent = 'do' and d.desired_status <> 'done') as cancelled
         from desired_state d
         join actual_state a on a.task_id = d.task_id
         left join approvals p on p.approval_id = d.approval_id
        where a.actual_status = 'in_progress'
          and (d.level = 0 or a.intent = 'undo'
            or (p.status = 'used' and p.level >= d.level and p.sealed ->> d.task_id::text = d.action_hash))`,
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
           revoke update, delete, truncate on orchestrator.audit_anchors from deed_orchestrator;
         end if;
       end $$`,
    )
    .execute(db)
}

const list = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ')
