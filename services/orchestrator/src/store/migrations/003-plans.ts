/** Approvals that seal each action by its hash, are asked for when it is their turn, and may be given ahead. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create table grants (
       tenant text not null default 'local',
       grant_id uuid not null primary key,
       kind text not null,
       target text,
       workspace text,
       path text,
       input jsonb,
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

    `alter table approvals
       add column sealed jsonb,
       add column plan_number integer,
       add column grant_id uuid,
       add column asked_at timestamptz`,
    `update approvals p set asked_at = created_at, plan_number = 1, sealed = (
       select coalesce(jsonb_object_agg(d.task_id, d.action_hash), '{}')
         from desired_state d where d.approval_id = p.approval_id)`,
    `alter table approvals
       alter column sealed set not null,
       alter column plan_number set not null`,
    `create index approvals_of_grant on approvals (grant_id) where grant_id is not null`,

    // The executor's last question: is the attempt the current one, still wanted, and is this very action agreed to?
    `create or replace view dispatch as
       select d.tenant, d.task_id, d.execution_id, a.token, d.action_hash, a.intent,
              (a.intent = 'do' and d.desired_status <> 'done') as cancelled
         from desired_state d
         join actual_state a on a.task_id = d.task_id
         left join approvals p on p.approval_id = d.approval_id
        where a.actual_status = 'in_progress'
          and (d.level = 0 or a.intent = 'undo'
            or (p.status = 'consumed' and p.level >= d.level and p.sealed ->> d.task_id::text = d.action_hash))`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
