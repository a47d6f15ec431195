/** Whether what was done is what the task asks for. Of what models solved before, nobody knows. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    'alter table executions add column task_verified boolean not null default true',
    "update executions set task_verified = false where method = 'llm_assisted'",
  ]
  for (const statement of statements) await sql.raw(statement).execute(db)
}
