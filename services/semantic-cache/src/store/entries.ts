/** The stored entries, which survive restarts and are shared by all replicas. */
import { CacheValue } from '@deed/proto/cache'
import type { ExecutionId } from '@deed/proto/ids'
import type { Language } from '@deed/proto/template'
import type { Store } from '@deed/store/database'
import { readVector } from '@deed/text/vector'
import { answerHash } from '../entry/answer-hash.ts'
import type { CacheKey } from '../entry/cache-key.ts'
import {
  type ModelVector,
  mayServe,
  SENTENCE_CHARS_MAX,
  type StoredEntry,
  type StoredSentence,
} from '../entry/entry.ts'
import { CHANNEL } from './messages.ts'
import { pruneProposals } from './proposals.ts'

/** No retries: a caller would rather compute than wait. */
type Pool = Store<unknown>['pool']

export interface EntryToKeep {
  readonly key: CacheKey
  readonly entry: StoredEntry
}

/** Inserts or replaces, releases the leases on the keys, and notifies the other replicas; one statement, one commit. */
export async function storeEntries(pool: Pool, origin: string, items: readonly EntryToKeep[]): Promise<void> {
  // Of duplicates the last one wins: a statement cannot write a row twice.
  const rows = new Map(items.map(({ key, entry }) => [`${key.hash} ${entry.value.kind}`, rowOf(key, entry)]))
  await pool.query({
    name: 'store_entries',
    text: `
      with given as (
        select * from jsonb_to_recordset($1::jsonb) as given(
          tenant text, key_hash text, kind text, entry_id uuid, text text, language text, context_hash text,
          value jsonb, answer_hash text, execution_id uuid, bytes integer, ttl_ms double precision)
      ), stored as (
        insert into entries (tenant, key_hash, kind, entry_id, text, language, context_hash, value, answer_hash, execution_id, bytes, expires_at)
        select tenant, key_hash, kind, entry_id, text, language, context_hash, value, answer_hash, execution_id, bytes,
               now() + ttl_ms * interval '1 millisecond'
        from given
        on conflict (tenant, key_hash, kind) do update set
          entry_id = excluded.entry_id, text = excluded.text, language = excluded.language,
          context_hash = excluded.context_hash, value = excluded.value, answer_hash = excluded.answer_hash, execution_id = excluded.execution_id,
          bytes = excluded.bytes, stored_at = now(), expires_at = excluded.expires_at
        returning tenant, key_hash, bytes
      ), freed as (
        delete from leases using given where leases.tenant = given.tenant and leases.key_hash = given.key_hash
      )
      select pg_notify('${CHANNEL}', concat_ws(' ', 'put', $2::text, tenant, key_hash, bytes)) from stored`,
    values: [JSON.stringify([...rows.values()]), origin],
  })
}

function rowOf(
  { tenant, hash, text, language, contextHash }: CacheKey,
  { entryId, value, bytes, expiresAtMs, storedAtMs }: StoredEntry,
) {
  return {
    tenant,
    key_hash: hash,
    kind: value.kind,
    entry_id: entryId,
    text,
    language: language ?? null,
    context_hash: contextHash,
    value,
    answer_hash: answerHash(value),
    execution_id: value.execution_id,
    bytes,
    ttl_ms: expiresAtMs - storedAtMs,
  }
}

interface EntryRow {
  entry_id: string
  kind: string
  text: string
  language: string | null
  context_hash: string
  value: unknown
  bytes: number
  age_ms: number
  left_ms: number
}

export interface FoundEntries {
  readonly entries: readonly StoredEntry[]
  /** Rows of the key that do not match it or may not be served. */
  readonly unfit: readonly string[]
}

/** Every fresh entry of the key. Each row is validated before it is trusted. */
export async function loadEntries(pool: Pool, key: CacheKey, nowMs: number): Promise<FoundEntries> {
  const { rows } = await pool.query<EntryRow>({
    name: 'load_entries',
    text: `
      select entry_id, kind, text, language, context_hash, value, bytes,
             extract(epoch from now() - stored_at)::float8 * 1000 as age_ms,
             extract(epoch from expires_at - now())::float8 * 1000 as left_ms
      from entries where tenant = $1 and key_hash = $2 and expires_at > now()`,
    values: [key.tenant, key.hash],
  })
  const entries: StoredEntry[] = []
  const unfit: string[] = []
  for (const row of rows) {
    const value = CacheValue.safeParse(row.value)
    const same =
      row.text === key.text && row.context_hash === key.contextHash && row.language === (key.language ?? null)
    if (!same || !value.success || value.data.kind !== row.kind || !mayServe(value.data)) {
      unfit.push(row.entry_id)
      continue
    }
    entries.push({
      entryId: row.entry_id,
      value: value.data,
      storedAtMs: nowMs - row.age_ms,
      expiresAtMs: nowMs + row.left_ms,
      bytes: row.bytes,
    })
  }
  return { entries, unfit }
}

interface SentenceRow {
  tenant: string
  key_hash: string
  kind: 'answer' | 'solution'
  text: string
  language: Language | null
  context_hash: string
  answer_hash: string
  vector_model: string | null
  vector: Buffer | null
  left_ms: number
}

/** The newest fresh entries without their values. @param hashes those of these keys; absent: of all */
export async function loadSentences(
  pool: Pool,
  nowMs: number,
  max: number,
  hashes?: readonly string[],
): Promise<StoredSentence[]> {
  const { rows } = await pool.query<SentenceRow>({
    name: 'load_sentences',
    text: `
      select tenant, key_hash, kind, text, language, context_hash, answer_hash, vector_model, vector,
             extract(epoch from expires_at - now())::float8 * 1000 as left_ms
      from entries
      where expires_at > now() and answer_hash is not null and length(text) <= ${SENTENCE_CHARS_MAX}
        and ($1::text[] is null or key_hash = any($1))
      order by stored_at desc limit $2`,
    values: [hashes ?? null, max],
  })
  return rows.map(({ tenant, key_hash: hash, kind, text, language, context_hash: contextHash, ...row }) => ({
    key: { tenant, hash, text, language: language ?? undefined, contextHash },
    kind,
    answerHash: row.answer_hash,
    vector: vectorOf(row),
    expiresAtMs: nowMs + row.left_ms,
  }))
}

/** Undefined if there is none, or its bytes are no vector. */
function vectorOf({
  vector_model: model,
  vector,
}: Pick<SentenceRow, 'vector_model' | 'vector'>): ModelVector | undefined {
  const values = vector && readVector(vector, vector.byteLength / Float32Array.BYTES_PER_ELEMENT)
  return model !== null && values ? { model, values } : undefined
}

/** Key hashes, truncated to 48 bits: enough to prove that a key is absent. */
export async function knownPrefixes(pool: Pool): Promise<{ prefixes: number[]; bytes: number }> {
  const { rows } = await pool.query<{ prefix: string; bytes: number }>(
    `select left(key_hash, 12) as prefix, bytes from entries where expires_at > now()`,
  )
  return {
    prefixes: rows.map(({ prefix }) => Number.parseInt(prefix, 16)),
    bytes: rows.reduce((sum, { bytes }) => sum + bytes, 0),
  }
}

export type Forget = { readonly entryId: string } | { readonly executionId: string } | { readonly all: true }

/** @returns the key hashes of the removed entries */
export async function forgetEntries(pool: Pool, origin: string, tenant: string, what: Forget): Promise<string[]> {
  const [condition, value] =
    'entryId' in what
      ? ['entry_id = $3', what.entryId]
      : 'executionId' in what
        ? ['execution_id = $3', what.executionId]
        : ['$3::text is null', null]
  const { rows } = await pool.query<{ key_hash: string | null }>(
    // PostgreSQL skips a CTE that no query reads, so the one that notifies is part of the result, with null hashes.
    `with removed as (delete from entries where tenant = $2 and ${condition} returning tenant, key_hash),
     notified as (
       select ${
         'all' in what
           ? `pg_notify('${CHANNEL}', concat_ws(' ', 'clear', $1::text, $2::text))`
           : `pg_notify('${CHANNEL}', concat_ws(' ', 'drop', $1::text, tenant, key_hash)) from removed`
       }
     )
     select key_hash from removed union all select null from notified`,
    [origin, tenant, value],
  )
  return rows.flatMap(({ key_hash }) => key_hash ?? [])
}

/** At most this many rows are evicted at once. */
const EVICTED_MAX = 1_000

/**
 * Removes expired entries, and the oldest ones while the table has more than `bytesMax` bytes; a bounded number of rows
 * per call, so a large excess takes several calls.
 */
export async function evictEntries(pool: Pool, bytesMax: number): Promise<{ evicted: number; bytes: number }> {
  await pool.query(
    `delete from entries where (tenant, key_hash, kind) in (
       select tenant, key_hash, kind from entries where expires_at <= now() limit ${EVICTED_MAX})`,
  )
  await pruneProposals(pool)
  await pool.query(`delete from leases where expires_at <= now() - interval '1 minute'`)
  const { rows } = await pool.query<{ evicted: number; bytes: number }>(
    `with total as (select coalesce(sum(bytes), 0)::float8 as bytes from entries),
     oldest as (
       select tenant, key_hash, kind, sum(bytes) over (order by stored_at, key_hash, kind) - bytes as before
       from (select * from entries order by stored_at limit ${EVICTED_MAX}) as first
     ),
     removed as (
       delete from entries using oldest, total
       where entries.tenant = oldest.tenant and entries.key_hash = oldest.key_hash and entries.kind = oldest.kind
         and oldest.before < total.bytes - $1
       returning entries.bytes
     )
     select count(*)::int as evicted, (select bytes from total) - coalesce(sum(bytes), 0)::float8 as bytes from removed`,
    [bytesMax],
  )
  return rows[0] ?? { evicted: 0, bytes: 0 }
}

export async function countEntries(pool: Pool, tenant: string): Promise<{ entries: number; bytes: number }> {
  const { rows } = await pool.query<{ entries: number; bytes: number }>({
    name: 'count_entries',
    text: `select count(*)::int as entries, coalesce(sum(bytes), 0)::float8 as bytes
           from entries where tenant = $1 and expires_at > now()`,
    values: [tenant],
  })
  return rows[0] ?? { entries: 0, bytes: 0 }
}

export interface ListedEntry {
  entry_id: string
  kind: 'answer' | 'solution'
  text: string
  language: Language | null
  execution_id: ExecutionId
  bytes: number
  age_ms: number
  expires_in_ms: number
  /** Where the next page begins, if this is the last of its page. */
  cursor: string
}

/** The beginning of an entry's words, in a list. */
const LISTED_CHARS_MAX = 1_000

/** Newest first; one more than `limit` if there are more. */
export async function listEntries(
  pool: Pool,
  tenant: string,
  by: {
    kind?: 'answer' | 'solution' | undefined
    executionId?: ExecutionId | undefined
    limit: number
    cursor?: string | undefined
  },
): Promise<ListedEntry[]> {
  const [micros, id] = by.cursor?.split('.') ?? []
  const { rows } = await pool.query<ListedEntry>({
    name: 'list_entries',
    text: `
      select entry_id, kind, left(text, ${LISTED_CHARS_MAX}) as text, language, execution_id, bytes,
             -- Stored after this statement began, and yet seen by it.
             greatest(0, extract(epoch from now() - stored_at))::float8 * 1000 as age_ms,
             extract(epoch from expires_at - now())::float8 * 1000 as expires_in_ms,
             (extract(epoch from stored_at) * 1000000)::bigint::text || '.' || entry_id as cursor
      from entries
      where tenant = $1 and expires_at > now() and ($2::text is null or kind = $2) and ($3::uuid is null or execution_id = $3)
        and ($4::bigint is null
          or (stored_at, entry_id) < ('epoch'::timestamptz + $4::bigint * interval '1 microsecond', $5::uuid))
      order by stored_at desc, entry_id desc limit $6`,
    values: [tenant, by.kind ?? null, by.executionId ?? null, micros ?? null, id ?? null, by.limit + 1],
  })
  return rows
}
