/** What a task occupies while it runs, beside the key that its manifest gives it: a service, or the root of a workspace. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    'alter table desired_state add column resource_key text',
    'alter table actual_state add column resource_key text',
    `update desired_state set resource_key = concurrency_key, concurrency_key = null
      where concurrency_key not like 'manifest:%'`,
    // What runs just now keeps its old key, under which it began.
    `update actual_state set resource_key = concurrency_key, concurrency_key = null
      where concurrency_key not like 'manifest:%' and actual_status <> 'in_progress'`,
    // Without the tenant: a folder is the same folder, whoever asks.
    `create unique index actual_state_one_per_resource on actual_state (resource_key)
       where actual_status = 'in_progress' and resource_key is not null`,
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
