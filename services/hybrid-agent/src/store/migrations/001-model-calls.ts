/** Every question that a model was asked, and what came of it. */
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
      -- asked: under way, or its process died. refused: an answer came that could not be used.
      status text not null check (status in ('asked', 'solved', 'refused', 'failed')),
      solution jsonb,
      problem text,
      prompt_tokens integer not null default 0 check (prompt_tokens >= 0),
      answer_tokens integer not null default 0 check (answer_tokens >= 0),
      cost_microusd bigint not null default 0 check (cost_microusd >= 0),
      asked_at timestamptz not null default now(),
      duration_ms double precision,
      primary key (tenant, task_id, call_number),
      check (status <> 'solved' or solution is not null)
    )`.execute(db)
}
