/**
 * All that the orchestrator keeps: executions, their tasks as desired against actual, approvals and grants, goals and
 * schedules, and what operators rely on.
 */
import { GOAL_OUTCOMES, GOAL_STATUSES } from '@deed/proto/goal'
import { CATCH_UPS, OVERLAPS } from '@deed/proto/schedule'
import { APPROVAL_STATUSES } from '@deed/proto/states'
import { type Kysely, sql } from 'kysely'
import { EXECUTION_TABLES, list } from './001-executions.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    ...EXECUTION_TABLES,
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
       -- Rises with each claim: a check whose claim has run out writes nothing.
       checks bigint not null default 0,
       last_check_at timestamptz,
       last_outcome text check (last_outcome in (${list(GOAL_OUTCOMES)})),
       last_seen text,
       drifts bigint not null default 0,
       last_drift_at timestamptz,
       remedies jsonb not null default '[]',
       next_check_at timestamptz not null default now(),
       created_at timestamptz not null default now(),
       primary key (tenant, name)
     )`,
    `create index goals_due on goals (next_check_at) where status <> 'blocked' and not paused`,

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
       -- As the checks of a goal.
       claims bigint not null default 0,
       next_check_at timestamptz not null,
       created_at timestamptz not null default now(),
       primary key (tenant, name),
       check ((cron is null) <> (every_ms is null))
     )`,
    `create index schedules_due on schedules (next_check_at) where not paused`,

    // Each row chains the heads that changed since the previous one: rewriting a chain requires rewriting all later
    // rows.
    `create table audit_anchors (
       tenant text not null default 'local',
       -- Gapless from 1, so that of two writers one loses.
       number integer not null,
       at timestamptz not null,
       -- Per execution: the number and the hash of its newest row.
       heads jsonb not null,
       -- What the console refused; null in a row that has heads.
       refusals jsonb,
       -- SHA-256 of the hash before and the canonical JSON of this row.
       hash text not null,
       primary key (tenant, number)
     )`,
    `create index audit_refusals on audit_anchors (tenant, number) where refusals is not null`,
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

    // What has happened in the whole mesh since its beginning: counters that no process may lose.
    `create table totals (
       name text not null,
       labels jsonb not null default '{}',
       value bigint not null,
       primary key (name, labels)
     )`,

    // Alert rules whose metric compares with their threshold, or did a moment ago; one replica writes.
    `create table rule_states (
       rule text not null,
       labels jsonb not null,
       -- What the value was before, as [milliseconds since 1970, value]: of rules about the growth of a counter.
       history jsonb not null default '[]',
       since timestamptz,
       fired_at timestamptz,
       -- An alert says that it fires.
       reported boolean not null default false,
       -- It has not been so since then.
       quiet_since timestamptz,
       value double precision not null,
       primary key (rule, labels)
     )`,
    `create table silences (
       name text not null primary key,
       until timestamptz not null,
       reason text not null,
       silenced_by text not null
     )`,

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
  for (const statement of [...statements, AFTER_RESTORE]) await sql.raw(statement).execute(db)
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

/**
 * Whatever ran when the backup was made may have had its effect: its lease has ended, and no process of that time holds
 * the token that is the newest now. The next attempt observes first.
 */
const AFTER_RESTORE = `create function after_restore() returns void language sql set search_path from current as $$
  update executions set next_check_at = now() where execution_id in (
    select execution_id from actual_state where actual_status = 'in_progress');
  update actual_state set token = token + 1, lease_expires_at = now()
   where actual_status = 'in_progress' and lease_expires_at is not null;
  delete from agents;
$$`
