/** The vectors of stored answers. */
import type { Store } from '@deed/store/database'
import { vectorBytes } from '@deed/text/vector'
import { type ModelVector, SENTENCE_CHARS_MAX } from '../entry/entry.ts'
import { CHANNEL } from './messages.ts'

type Pool = Store<unknown>['pool']

export interface WithoutVector {
  readonly hash: string
  readonly tenant: string
  readonly text: string
}

/** Answers to sentences, those that wait longest first. */
export async function readWithoutVector(pool: Pool, max: number): Promise<WithoutVector[]> {
  const { rows } = await pool.query<WithoutVector>({
    name: 'read_without_vector',
    text: `
      select key_hash as hash, tenant, text from entries
      where kind = 'answer' and vector_model is null and expires_at > now()
        and length(text) <= ${SENTENCE_CHARS_MAX} and position(e'\\n' in text) = 0
      order by stored_at limit $1`,
    values: [max],
  })
  return rows
}

/** Stores a vector of each entry, and notifies the other replicas. */
export async function storeVectors(
  pool: Pool,
  origin: string,
  items: readonly (WithoutVector & { readonly vector: ModelVector })[],
): Promise<void> {
  await pool.query({
    name: 'store_vectors',
    text: `
      with stored as (
        update entries set vector_model = given.model, vector = given.vector
        from unnest($2::text[], $3::text[], $4::text[], $5::bytea[]) as given(tenant, key_hash, model, vector)
        where entries.tenant = given.tenant and entries.key_hash = given.key_hash and entries.kind = 'answer'
        returning entries.tenant, entries.key_hash
      )
      select pg_notify('${CHANNEL}', concat_ws(' ', 'put', $1::text, tenant, key_hash, 0)) from stored`,
    values: [
      origin,
      items.map(({ tenant }) => tenant),
      items.map(({ hash }) => hash),
      items.map(({ vector }) => vector.model),
      items.map(({ vector }) => vectorBytes(vector.values)),
    ],
  })
}

/** Vectors of other models are made again. @returns how many */
export async function forgetOtherVectors(pool: Pool, model: string): Promise<number> {
  const { rowCount } = await pool.query(
    `update entries set vector_model = null, vector = null where vector_model is not null and vector_model <> $1`,
    [model],
  )
  return rowCount ?? 0
}
