import { type Kysely, sql } from 'kysely'

/** A caller in an account of its own is answered at a subject of the server, which it publishes there. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table waiters drop constraint waiters_reply_to_check`.execute(db)
  await sql`alter table waiters add constraint waiters_reply_to_check
    check (reply_to ~ '^(_INBOX[._]|_R_\\.)')`.execute(db)
}
