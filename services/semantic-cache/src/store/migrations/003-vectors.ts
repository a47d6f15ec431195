/** Vectors that a model made of the words of answers, and with which vector a proposal was found. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<never>): Promise<void> {
  await sql`
    alter table entries
      -- Name and build.
      add column vector_model text,
      -- float32, little-endian; of length 1.
      add column vector bytea,
      add constraint entries_vector check ((vector is null) = (vector_model is null))`.execute(db)
  await sql`
    create index entries_without_vector on entries (stored_at) where kind = 'answer' and vector_model is null`.execute(
    db,
  )
  await sql`alter table proposals add column vector text not null default 'lexical'`.execute(db)
}
