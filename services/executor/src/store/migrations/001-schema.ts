/** The ledger: what was intended, with what it met, before it was done; and what came of it. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table actions (
      tenant text not null default 'local',
      action_id uuid not null,
      execution_id uuid not null,
      task_id uuid not null,
      -- Of the newest attempt. Who holds a lower one changes nothing.
      token bigint not null,
      -- Made with each intent; null under a release that made none. A report proves by it that its sender has this row.
      attempt_key uuid,
      intent text not null check (intent in ('do', 'undo')),
      kind text not null,
      action jsonb not null,
      action_hash text not null,
      -- Written with the first intent, and again only once it is known that nothing was done or all was undone.
      before jsonb not null,
      reversibility text not null check (reversibility in ('reversible', 'compensable', 'irreversible')),
      -- The process that made the newest attempt.
      host text not null,
      boot_id text not null,
      pid int not null,
      pid_started text not null,
      worker_id text not null,
      intent_at timestamptz not null default clock_timestamp(),
      -- From then on, what others change in what it met is not its own.
      observed_at timestamptz not null default clock_timestamp(),
      -- The newest outcome of doing it, and the token it was reached under.
      outcome text check (outcome in ('done', 'failed')),
      outcome_token bigint,
      effect text check (effect in ('none', 'made', 'unknown')),
      evidence jsonb,
      result jsonb,
      error jsonb,
      after jsonb,
      finished_at timestamptz,
      -- The same of undoing it.
      undo_outcome text check (undo_outcome in ('done', 'failed')),
      undo_token bigint,
      undo_evidence jsonb,
      undo_error jsonb,
      undo_finished_at timestamptz,
      primary key (tenant, action_id),
      -- A read that may be made only once is done by its answer alone; what has an effect is not.
      constraint actions_done_has_evidence
        check (outcome is distinct from 'done' or evidence ->> 'outcome' is not distinct from 'verified'
          or (evidence ->> 'kind' is not distinct from 'unconfirmed' and effect is not distinct from 'none')),
      check (undo_outcome is distinct from 'done' or undo_evidence ->> 'outcome' is not distinct from 'verified')
      -- An outcome doubles a row. Where the new version finds room beside the old one, no index is written to.
    ) with (fillfactor = 40)`.execute(db)
  // Without the tenant: an index that begins like the primary key is taken for it while the table is empty.
  await sql`create index actions_of_execution on actions (execution_id)`.execute(db)

  // Finds what was at work beside an action without reading the whole ledger. That grows in the order of time, so a summary
  // per few pages is enough; and the update that writes an outcome, which every action makes, touches no other index.
  await sql`
    create index actions_by_time on actions using brin (intent_at, finished_at, undo_finished_at)
      with (pages_per_range = 16)`.execute(db)

  // Earlier attempts, as the next one found them: an outcome that is missing was never reached.
  await sql`
    create table attempts (
      tenant text not null default 'local',
      action_id uuid not null,
      token bigint not null,
      intent text not null,
      worker_id text not null,
      host text not null,
      pid int not null,
      intent_at timestamptz not null,
      outcome text,
      effect text,
      evidence jsonb,
      error jsonb,
      primary key (tenant, action_id, token)
    )`.execute(db)

  // Observations before the one in the evidence: they say how often it had to be observed.
  await sql`
    create table observations (
      tenant text not null default 'local',
      action_id uuid not null,
      token bigint not null,
      number int not null,
      outcome text not null,
      observed text not null,
      facts jsonb,
      primary key (tenant, action_id, token, number)
    )`.execute(db)

  // What the orchestrator compares a report with, in the statement that applies it. The outcome is missing while the
  // attempt runs, and while its report overtakes it.
  await sql`
    create view current_attempts as
      select tenant, action_id, token, intent, attempt_key,
        case intent when 'do' then case when outcome_token = token then outcome end
          else case when undo_token = token then undo_outcome end end as outcome
      from actions`.execute(db)
  await sql`
    do $$ begin
      if exists (select from pg_roles where rolname = 'deed_orchestrator') then
        grant usage on schema executor to deed_orchestrator;
        grant select on executor.current_attempts to deed_orchestrator;
      end if;
    end $$`.execute(db)
}
