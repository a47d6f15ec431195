/** The lists that people read page by page, however much waits: approvals, and people's tasks. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    'create index approvals_in_order on approvals (tenant, approval_id)',
    'create index approvals_by_status on approvals (tenant, status, approval_id)',
    `create index desired_state_of_people on desired_state (tenant, created_at, task_id)
       where capability = 'human' and task_kind <> 'approve'`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
