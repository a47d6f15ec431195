/** Templates say where their result goes when a task names no file. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE templates ADD COLUMN file text`.execute(db)
}
