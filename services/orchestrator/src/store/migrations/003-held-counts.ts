/**
 * Sums over what waits for a person, so that statistics need not read a row for each of a hundred thousand. A change is
 * noted in the transaction that makes it, which waits for no other one for that, and is added to the sums later.
 */
import { type Kysely, sql } from 'kysely'
import { list, PERIODS } from './001-executions.ts'

export async function up(db: Kysely<never>): Promise<void> {
  const statements = [
    `create table held_changes (
       change_id bigint generated always as identity primary key,
       tenant text not null,
       -- When the execution was accepted.
       start timestamptz not null,
       status text not null,
       method text,
       template_used text,
       -- 1 as it begins to wait, -1 as it ends to, with all that it had.
       n integer not null,
       tokens bigint not null,
       cost_microusd bigint not null
     )`,
    // As \`counts\`.
    `create table held_counts (
       period text not null check (period in (${list(PERIODS)})),
       tenant text not null,
       start timestamptz not null,
       measure text not null,
       value bigint not null,
       primary key (period, tenant, start, measure)
     ) with (fillfactor = 50)`,
    `create or replace function keep_held() returns trigger language plpgsql set search_path from current as $$ begin
       if tg_op <> 'INSERT' and old.held then
         delete from held_executions where tenant = old.tenant and status = old.status and execution_id = old.execution_id;
         insert into held_changes (tenant, start, status, method, template_used, n, tokens, cost_microusd)
           values (old.tenant, old.created_at, old.status, old.method, old.template_used, -1, -old.tokens_used, -old.cost_microusd);
       end if;
       if tg_op <> 'DELETE' and new.held then
         insert into held_executions values (new.tenant, new.status, new.execution_id, new.method, new.template_used,
           new.tokens_used, new.cost_microusd);
         insert into held_changes (tenant, start, status, method, template_used, n, tokens, cost_microusd)
           values (new.tenant, new.created_at, new.status, new.method, new.template_used, 1, new.tokens_used, new.cost_microusd);
       end if;
       return null;
     end $$`,
    `insert into held_changes (tenant, start, status, method, template_used, n, tokens, cost_microusd)
       select tenant, created_at, status, method, template_used, 1, tokens_used, cost_microusd from executions where held`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
