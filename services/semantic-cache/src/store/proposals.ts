/**
 * What came of proposals: the labels that certify a scope, what closed it, and the similarities at which an entry was wrong.
 *
 * Everything that decides is read from the tables, so all replicas decide alike.
 */
import { CacheValue } from '@deed/proto/cache'
import type { Store } from '@deed/store/database'
import type { CacheKey } from '../entry/cache-key.ts'

type Pool = Store<unknown>['pool']

/** Labels that are older, or more than this many labels ago, certify nothing any more. */
const LABELS_MAX = 10_000
const LABEL_DAYS = 30

export interface ProposedEntry {
  readonly scope: string
  readonly way: string
  readonly kind: CacheValue['kind']
  readonly proposedHash: string
  readonly answerHash: string
  readonly similarity: number
  /** Whether the scope was certified when it was proposed. */
  readonly certified: boolean
  readonly vector: string
}

export interface TrackRecord {
  readonly judged: number
  readonly wrong: number
  /** The highest similarity at which the entry was wrong. */
  readonly veto: number | null
}

/** What is known of the scope and way of a proposal, and of its entry. */
export async function readTrackRecord(
  pool: Pool,
  tenant: string,
  { scope, way, proposedHash }: Pick<ProposedEntry, 'scope' | 'way' | 'proposedHash'>,
): Promise<TrackRecord> {
  const { rows } = await pool.query<TrackRecord>({
    name: 'read_track_record',
    text: `
      select count(*)::int as judged, count(*) filter (where wrong)::int as wrong,
             (select similarity from scope_vetoes where tenant = $1 and scope_hash = $2 and key_hash = $4
                and vetoed_at > now() - interval '${LABEL_DAYS} days') as veto
      from (
        select wrong from proposals
        where tenant = $1 and scope_hash = $2 and way = $3 and wrong is not null
          and judged_at > greatest(now() - interval '${LABEL_DAYS} days',
                (select closed_at from closings where tenant = $1 and scope_hash = $2))
        order by judged_at desc limit ${LABELS_MAX}
      ) as labels`,
    values: [tenant, scope, way, proposedHash],
  })
  return rows[0] ?? { judged: 0, wrong: 0, veto: null }
}

/** Waits for a judgement; a question that waits already keeps its first proposal. */
export async function openProposal(pool: Pool, asked: CacheKey, proposed: ProposedEntry): Promise<void> {
  await pool.query({
    name: 'open_proposal',
    text: `
      insert into proposals (tenant, scope_hash, kind, way, asked_hash, proposed_hash, answer_hash, similarity, certified, vector)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
      on conflict (tenant, asked_hash, kind) where wrong is null do nothing`,
    values: [
      asked.tenant,
      proposed.scope,
      proposed.kind,
      proposed.way,
      asked.hash,
      proposed.proposedHash,
      proposed.answerHash,
      proposed.similarity,
      proposed.certified,
      proposed.vector,
    ],
  })
}

/**
 * Judges the proposal that waits for the key. If it was wrong, its entry is vetoed, and a certified scope is closed.
 *
 * @param right the hash of the answer that was computed afresh, or whether the proposed one held
 * @returns the key hash of the proposed entry, and whether it was wrong
 */
export async function judgeProposal(
  pool: Pool,
  { tenant, hash }: CacheKey,
  kind: CacheValue['kind'],
  right: string | boolean,
): Promise<{ proposedHash: string; wrong: boolean } | undefined> {
  const { rows } = await pool.query<{ proposedHash: string; wrong: boolean }>({
    name: 'judge_proposal',
    text: `
      with judged as (
        update proposals set wrong = coalesce(not $4::boolean, answer_hash <> $5::text), judged_at = now()
        where tenant = $1 and asked_hash = $2 and kind = $3 and wrong is null
        returning tenant, scope_hash, proposed_hash, kind, similarity, wrong, certified
      ), closed as (
        insert into closings (tenant, scope_hash) select tenant, scope_hash from judged where wrong and certified
        on conflict (tenant, scope_hash) do update set closed_at = now()
      ), vetoed as (
        insert into scope_vetoes (tenant, scope_hash, key_hash, similarity)
        select tenant, scope_hash, proposed_hash, similarity from judged where wrong
        on conflict (tenant, scope_hash, key_hash) do update
          set similarity = greatest(scope_vetoes.similarity, excluded.similarity), vetoed_at = now()
      )
      select proposed_hash as "proposedHash", wrong from judged`,
    values: [tenant, hash, kind, typeof right === 'boolean' ? right : null, typeof right === 'string' ? right : null],
  })
  return rows[0]
}

/** An answer that was served for similar words and was wrong: its entry is vetoed, and its scope closed, at once. */
export async function reportWrong(
  pool: Pool,
  tenant: string,
  entryId: string,
  { scope, similarity }: { readonly scope: string; readonly similarity: number },
): Promise<void> {
  await pool.query({
    name: 'report_wrong',
    text: `
      with closed as (
        insert into closings (tenant, scope_hash) values ($1, $2)
        on conflict (tenant, scope_hash) do update set closed_at = now()
      )
      insert into scope_vetoes (tenant, scope_hash, key_hash, similarity)
      select tenant, $2, key_hash, $4 from entries where tenant = $1 and entry_id = $3
      on conflict (tenant, scope_hash, key_hash) do update
        set similarity = greatest(scope_vetoes.similarity, excluded.similarity), vetoed_at = now()`,
    values: [tenant, scope, entryId, similarity],
  })
}

/** The solution of a key, and for how many milliseconds it is still fresh. */
export async function readSolution(
  pool: Pool,
  tenant: string,
  hash: string,
): Promise<{ value: CacheValue; leftMs: number } | undefined> {
  const { rows } = await pool.query<{ value: unknown; leftMs: number }>({
    name: 'read_solution',
    text: `
      select value, extract(epoch from expires_at - now())::float8 * 1000 as "leftMs"
      from entries where tenant = $1 and key_hash = $2 and kind = 'solution' and expires_at > now()`,
    values: [tenant, hash],
  })
  const value = CacheValue.safeParse(rows[0]?.value)
  return rows[0] && value.success ? { value: value.data, leftMs: rows[0].leftMs } : undefined
}

export interface ScopeLabels {
  readonly scope: string
  readonly way: 'words' | 'vote'
  readonly kind: CacheValue['kind']
  readonly vector: string
  readonly judged: number
  readonly wrong: number
  /** Of them, those that certify: since the scope was closed. */
  readonly counted: number
  readonly countedWrong: number
  /** When a wrong answer closed the scope; null: none did. */
  readonly closedAt: Date | null
}

const SCOPES_MAX = 100

/** The scopes of the tenant that have labels, those with most of them first. */
export async function readLabels(pool: Pool, tenant: string): Promise<ScopeLabels[]> {
  const { rows } = await pool.query<ScopeLabels>({
    name: 'read_labels',
    text: `
      select scope_hash as scope, way, kind, vector, count(*)::int as judged, count(*) filter (where wrong)::int as wrong,
             count(*) filter (where counts)::int as counted,
             count(*) filter (where wrong and counts)::int as "countedWrong", max(closed_at) as "closedAt"
      from proposals left join closings using (tenant, scope_hash), lateral (select closed_at is null or judged_at > closed_at as counts) as since
      where tenant = $1 and wrong is not null and judged_at > now() - interval '${LABEL_DAYS} days'
      group by scope_hash, way, kind, vector order by judged desc, scope, way limit ${SCOPES_MAX}`,
    values: [tenant],
  })
  return rows
}

const DELETED_MAX = 1_000

/** Removes what decides nothing any more; a bounded number of rows per call. */
export async function pruneProposals(pool: Pool): Promise<void> {
  await pool.query(
    `delete from proposals where proposal_id in (
       select proposal_id from proposals
       where (proposed_at < now() - interval '${LABEL_DAYS} days' and judged_at < now() - interval '${LABEL_DAYS} days')
          or (wrong is null and proposed_at < now() - interval '1 day')
       order by proposed_at limit ${DELETED_MAX})`,
  )
  await pool.query(`delete from scope_vetoes where vetoed_at < now() - interval '${LABEL_DAYS} days'`)
  await pool.query(`delete from closings where closed_at < now() - interval '${LABEL_DAYS} days'`)
}
