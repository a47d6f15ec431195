import { type Kysely, sql } from 'kysely'

/** How far each tenant's intake stream has been seen, so that what is lost with its storage can be counted. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create table intakes (
    tenant text primary key,
    -- When the stream was made, as the server says it: another moment is another stream.
    stream_created text not null,
    -- All below has been taken, or is counted as lost.
    first_seq bigint not null,
    last_seq bigint not null,
    lost bigint not null default 0
  )`.execute(db)
}
