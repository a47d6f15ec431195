/** What models may cost, and what each call was charged. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    // A row for each thing that has a limit: a day of a tenant, an execution. What is spent includes what is reserved.
    `create table budgets (
       tenant text not null default 'local',
       scope text not null,
       limit_microusd bigint not null check (limit_microusd >= 0),
       spent_microusd bigint not null check (spent_microusd >= 0),
       updated_at timestamptz not null default now(),
       primary key (tenant, scope),
       constraint budgets_are_kept check (spent_microusd <= limit_microusd)
     )`,
    `alter table model_calls
       -- The most that the call may cost, taken from its budgets before the model is asked.
       add column reserved_microusd bigint not null default 0 check (reserved_microusd >= 0),
       add column budget_scopes text[] not null default '{}',
       -- The server's own figures cannot be: charged is what was reserved.
       add column cost_unknown boolean not null default false,
       add constraint model_calls_charged check (cost_microusd <= reserved_microusd)`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
