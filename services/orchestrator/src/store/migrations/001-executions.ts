/** The tables of executions: their ends and the sums over these, who waits for them, and their tasks as desired against actual. */
import { HISTORY_PERIODS } from '@deed/proto/execution-history'
import {
  DESIRED_STATUSES,
  EXECUTION_STATUSES,
  type ExecutionStatus,
  METHODS,
  TASK_KINDS,
  TASK_STATUSES,
} from '@deed/proto/states'

/** The resolutions in which executions are counted. */
export const PERIODS = HISTORY_PERIODS

/** The statuses of executions that a person has to continue. */
const HELD = ['waiting', 'paused'] as const satisfies readonly ExecutionStatus[]

/**
 * Finds text in the words of tasks. `pg_trgm` comes with PostgreSQL and may be created by the owner of a database. Where
 * it cannot be, a search reads the words themselves, a page at a time.
 */
const SEARCH_INDEX = `do $$ declare place text; begin
  begin
    create extension if not exists pg_trgm;
  exception when insufficient_privilege or feature_not_supported or undefined_file then
    raise notice 'without the extension pg_trgm, a search for text takes more pages';
  end;
  select n.nspname into place from pg_opclass o join pg_namespace n on n.oid = o.opcnamespace
   where o.opcname = 'gin_trgm_ops';
  if found then execute format('create index ends_words on ends using gin (words %I.gin_trgm_ops)', place); end if;
end $$`

export const list = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ')

export const EXECUTION_TABLES: readonly string[] = [
  `create table executions (
     tenant text not null default 'local',
     execution_id uuid not null,
     user_name text not null,
     idempotency_key text,
     request_hash text not null,
     request jsonb not null,
     trace text not null,
     root jsonb,
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
     -- Effects that were made again, although they had been made and seen before.
     duplicate_effects integer not null default 0,
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
     -- When the resync checks it, whatever happened in between.
     next_check_at timestamptz not null default now() + interval '5 seconds',
     -- What follows an end (answers, learning, caching) has been seen to.
     followed_up boolean not null default false,
     pruned_at timestamptz,
     -- Whether what was done is what the task asks for.
     task_verified boolean not null default true,
     -- By the database's clock, before anything was read for it.
     admitted_at timestamptz not null default now(),
     -- Whether it waits for a person, which may take months.
     held boolean not null generated always as (status in (${list(HELD)})) stored,
     primary key (execution_id)
     -- A row that changes in place costs no index anything.
   ) with (fillfactor = 60)`,
  // Most executions have no key.
  `create unique index executions_key on executions (tenant, idempotency_key) where idempotency_key is not null`,
  // Of what has not ended: what is due, and in order.
  `create index executions_due on executions (tenant, next_check_at) where not followed_up`,
  `create index executions_open on executions (tenant, execution_id) where not followed_up`,
  // No step that an execution takes by itself changes \`held\`, so the step costs this index nothing.
  `create index executions_active on executions (tenant, execution_id) where not followed_up and not held`,

  // What lists and statistics read of those that wait for a person, of which there may be many: narrow rows, in order.
  `create table held_executions (
     tenant text not null,
     status text not null,
     execution_id uuid not null,
     method text,
     template_used text,
     tokens bigint not null,
     cost_microusd bigint not null,
     primary key (tenant, status, execution_id)
   )`,
  `create function keep_held() returns trigger language plpgsql set search_path from current as $$ begin
     if tg_op <> 'INSERT' then
       delete from held_executions where tenant = old.tenant and status = old.status and execution_id = old.execution_id;
     end if;
     if tg_op <> 'DELETE' and new.held then
       insert into held_executions values (new.tenant, new.status, new.execution_id, new.method, new.template_used,
         new.tokens_used, new.cost_microusd);
     end if;
     return null;
   end $$`,
  `create trigger executions_held_first after insert on executions for each row when (new.held) execute function keep_held()`,
  `create trigger executions_held_last after delete on executions for each row when (old.held) execute function keep_held()`,
  `create trigger executions_held after update of status, method, template_used, tokens_used, cost_microusd on executions
     for each row when ((old.held or new.held) and
       (old.status, old.method, old.template_used, old.tokens_used, old.cost_microusd) is distinct from
       (new.status, new.method, new.template_used, new.tokens_used, new.cost_microusd)) execute function keep_held()`,

  // How executions ended, as lists and statistics read it: a row from the moment that an execution is followed up until it
  // continues. It is written after the end, many in one statement, so that no index of it delays an execution.
  `create table ends (
     tenant text not null,
     execution_id uuid not null,
     user_name text not null,
     status text not null,
     method text not null,
     template_used text,
     -- The beginning of its task in lower case; null once its body is removed.
     words text,
     created_at timestamptz not null,
     ended_at timestamptz not null,
     -- From acceptance to end.
     ms bigint not null,
     success boolean not null,
     cache_hit boolean not null,
     -- Done, although an action of it is not.
     false_success boolean not null,
     duplicate_effect boolean not null,
     tokens bigint not null,
     cost_microusd bigint not null,
     -- Actions that are done, without reads that may be made only once; and those of them with evidence.
     acts integer not null,
     acts_verified integer not null,
     -- Whether it left an effect.
     changed boolean not null,
     primary key (tenant, execution_id)
   )`,
  `create index ends_by_status on ends (tenant, status, method, execution_id)`,
  `create index ends_by_template on ends (tenant, template_used, status, method, execution_id)
     where template_used is not null`,
  `create index ends_changed on ends (tenant, user_name, execution_id) where changed`,
  // What is rare, and looked for.
  `create index ends_unverified on ends (tenant, execution_id) where status = 'done' and not success`,
  `create index ends_false_success on ends (tenant, execution_id) where false_success`,
  `create index ends_duplicate_effect on ends (tenant, execution_id) where duplicate_effect`,
  `create index ends_cache_hit on ends (tenant, execution_id) where cache_hit`,
  `create index ends_with_body on ends (execution_id) where words is not null`,
  `create index ends_by_time on ends (tenant, ended_at)`,
  SEARCH_INDEX,

  // Sums over `ends`, kept with each of its rows.
  `create table counts (
     period text not null check (period in (${list(PERIODS)})),
     tenant text not null,
     -- Of the period, in which the executions were accepted.
     start timestamptz not null,
     -- What is summed up: status:<status>, duration:<bucket>, tokens.
     measure text not null,
     value bigint not null,
     primary key (period, tenant, start, measure)
   ) with (fillfactor = 50)`,

  `create table waiters (
     waiter_id bigint generated always as identity primary key,
     tenant text not null default 'local',
     execution_id uuid not null,
     -- A caller in an account of its own is answered at a subject of the server, which it publishes there.
     reply_to text not null check (reply_to ~ '^(_INBOX[._]|_R_\\.)'),
     due_at timestamptz not null
   )`,
  `create index waiters_of on waiters (execution_id)`,
  `create index waiters_due on waiters (due_at)`,

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
     -- What it occupies while it runs, besides the key that its manifest gives it: a service, or the root of a workspace.
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
  // Nearly all are done. What is not is found by what it is, in order.
  `create index actual_state_by_status on actual_state (actual_status, tenant, execution_id) where actual_status <> 'done'`,
]
