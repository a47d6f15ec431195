/** People's tasks and what is open are found without reading all; one action of what is done may be undone by itself. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create index desired_state_people on desired_state (tenant, created_at) where capability = 'human'`,
    `create index actual_state_waits on actual_state (tenant, execution_id) where actual_status in ('pending', 'blocked')`,
    // What it becomes again, once a part of it is undone.
    `alter table executions drop constraint executions_ending_check,
       add constraint executions_ending_check check (ending in ('done', 'failed', 'denied', 'cancelled', 'rolled_back'))`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
