/** Every question that a model was asked, what models may cost, and the sentences that tenants taught. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table model_calls (
      tenant text not null default 'local',
      task_id uuid not null,
      call_number integer not null check (call_number >= 1),
      execution_id uuid not null,
      -- Of the attempt that asked.
      token bigint not null check (token >= 1),
      -- SHA-256 of the question: the task and the errors of earlier attempts.
      question_hash text not null,
      model text not null,
      -- What the task needs of a model.
      category text not null,
      -- asked: under way, or its process died. refused: an answer came that could not be used.
      status text not null check (status in ('asked', 'solved', 'refused', 'failed')),
      solution jsonb,
      -- The execution that used the solution was.
      verified boolean not null default false,
      problem text,
      prompt_tokens integer not null default 0 check (prompt_tokens >= 0),
      answer_tokens integer not null default 0 check (answer_tokens >= 0),
      cost_microusd bigint not null default 0 check (cost_microusd >= 0),
      -- The most that the call may cost, taken from its budgets before the model is asked.
      reserved_microusd bigint not null default 0 check (reserved_microusd >= 0),
      budget_scopes text[] not null default '{}',
      -- The server's own figures cannot be: charged is what was reserved.
      cost_unknown boolean not null default false,
      asked_at timestamptz not null default now(),
      duration_ms double precision,
      primary key (tenant, task_id, call_number),
      check (status <> 'solved' or solution is not null),
      check (status = 'solved' or not verified),
      constraint model_calls_charged check (cost_microusd <= reserved_microusd)
    )`.execute(db)

  await sql`create index model_calls_by_time on model_calls (tenant, asked_at)`.execute(db)
  await sql`create index model_calls_of on model_calls (tenant, execution_id, task_id, call_number)`.execute(db)

  // One row per limit: a tenant's day, an execution. Spent amounts include reservations.
  await sql`
    create table budgets (
      tenant text not null default 'local',
      scope text not null,
      limit_microusd bigint not null check (limit_microusd >= 0),
      spent_microusd bigint not null check (spent_microusd >= 0),
      updated_at timestamptz not null default now(),
      primary key (tenant, scope),
      constraint budgets_are_kept check (spent_microusd <= limit_microusd)
    )`.execute(db)

  // How much of a day's budget is used, for the orchestrator, which exports it.
  await sql`create view budget_days as
    select scope, limit_microusd, spent_microusd from budgets where scope like 'day:%'`.execute(db)
  await sql`
    do $$ begin
      if exists (select from pg_roles where rolname = 'deed_orchestrator') then
        grant usage on schema hybrid_agent to deed_orchestrator;
        grant select on hybrid_agent.budget_days to deed_orchestrator;
      end if;
    end $$`.execute(db)

  await sql`
    create table learned_sentences (
      tenant text not null,
      -- SHA-256 of the sentence, its first twelve digits.
      id text not null,
      -- With every name made generic: what a sentence is found by.
      words text not null,
      -- With the names that may vary as slots.
      sentence text not null,
      said text not null,
      -- The names that may not vary, by their number.
      fixed jsonb not null,
      -- A rule with its slots, or actions with slots.
      meaning jsonb not null,
      reading text not null,
      source text not null check (source in ('choice', 'model')),
      -- Of the verified execution that taught it, and who asked for it.
      execution_id uuid not null,
      learned_by text not null,
      learned_at timestamptz not null default now(),
      used_at timestamptz,
      uses integer not null default 0,
      primary key (tenant, id)
    )`.execute(db)
}
