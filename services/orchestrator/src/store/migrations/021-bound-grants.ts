/** A grant is bound to what its names stood for when it was given. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table grants add column means jsonb not null default '{}'`.execute(db)
}
