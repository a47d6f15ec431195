/** The anchors of the audit log, and whether the log still matches them. */
import type { AuditedRefusal } from '@deed/proto/audit'
import type { ExecutionId } from '@deed/proto/ids'
import type { ExecutionRow } from '../execution/snapshot.ts'
import type { Database } from './schema.ts'

/** The newest row of an execution. */
export type Head = Pick<ExecutionRow, 'tenant' | 'execution_id' | 'audit_seq' | 'audit_hash'>

/** The newest row of each execution at that moment. */
export type Heads = Record<string, { seq: number; hash: string }>

export interface Anchor {
  /** Gapless from 1, for each tenant. */
  number: number
  /** ISO 8601, in milliseconds. */
  at: string
  heads: Heads
  /** What the console refused; null in a row that has heads. */
  refusals: AuditedRefusal[] | null
  hash: string
}

/** @returns whether the number was free */
export async function insertAnchor(
  db: Database,
  tenant: string,
  { number, at, heads, refusals, hash }: Anchor,
): Promise<boolean> {
  const rows = await db.query(
    'orchestrator.insert_anchor',
    `with made as (
       insert into audit_anchors (tenant, number, at, heads, hash, refusals) values ($1, $2, $3, $4, $5, $6)
       on conflict do nothing returning number)
     select number from made
     union
     -- Its own row, where this very statement was tried before and its answer was lost.
     select number from audit_anchors where tenant = $1 and number = $2 and hash = $5`,
    [tenant, number, at, JSON.stringify(heads), hash, refusals === null ? null : JSON.stringify(refusals)],
  )
  return rows.length > 0
}

/** @returns number 0 and an empty hash if there is none yet */
export async function readLastAnchor(db: Database, tenant: string): Promise<Pick<Anchor, 'number' | 'hash'>> {
  const [row] = await db.query<Pick<Anchor, 'number' | 'hash'>>(
    'orchestrator.last_anchor',
    'select number, hash from audit_anchors where tenant = $1 order by number desc limit 1',
    [tenant],
  )
  return row ?? { number: 0, hash: '' }
}

const RECENT = `(lpad(to_hex((extract(epoch from now() - interval '10 minutes') * 1000)::bigint), 12, '0')
  || repeat('0', 20))::uuid`
const RECENT_MAX = 20_000

/**
 * Heads of executions that are young (their ids begin with their time) or have not ended, without those that are
 * anchored.
 */
export function readRecentHeads(db: Database): Promise<Head[]> {
  return db.query<Head>(
    'orchestrator.recent_heads',
    `with recent as (
       select tenant, execution_id, audit_seq, audit_hash from executions where execution_id >= ${RECENT}
       union
       select tenant, execution_id, audit_seq, audit_hash from executions where not followed_up
       limit ${RECENT_MAX}
     ), anchored as (
       select a.tenant, h.key::uuid as execution_id, (h.value->>'seq')::int as seq
         from audit_anchors a cross join jsonb_each(a.heads) h
        where a.number > (select max(number) - 1000 from audit_anchors l where l.tenant = a.tenant)
     )
     select r.* from recent r
      where r.audit_seq > 0 and not exists (
        select from anchored a where a.execution_id = r.execution_id and a.seq = r.audit_seq)`,
    [],
  )
}

export interface AnchorRange {
  /** Milliseconds since 1970; an anchor is not older than the rows it covers. */
  from: number
  before: number | undefined
  after: number
  limit: number
}

/** In order. */
export function readAnchors(
  db: Database,
  tenant: string,
  { from, before, after, limit }: AnchorRange,
): Promise<Anchor[]> {
  return db.query<Anchor>(
    'orchestrator.anchors',
    `select number, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at, heads, refusals, hash
       from audit_anchors
      where tenant = $1 and number > $2
        -- From the one before the range, which the first one of the range follows.
        and number >= coalesce((select max(number) from audit_anchors
                                 where tenant = $1 and at < to_timestamp($3::float8 / 1000)), 1)
        and ($4::float8 is null or at < to_timestamp($4::float8 / 1000))
      order by number limit $5`,
    [tenant, after, from, before ?? null, limit],
  )
}

export interface Contradiction {
  number: number
  execution_id: ExecutionId
  /** The first row that is missing, or differs from the anchored one. */
  seq: number
}

/** The oldest entry of these anchors that the log does not match. */
export async function firstContradiction(
  db: Database,
  tenant: string,
  numbers: readonly number[],
  executionId: ExecutionId | undefined,
): Promise<Contradiction | undefined> {
  const [row] = await db.query<Contradiction>(
    'orchestrator.contradiction',
    `with said as (
       select a.number, h.key::uuid as execution_id, (h.value->>'seq')::int as seq, h.value->>'hash' as hash
         from audit_anchors a cross join jsonb_each(a.heads) h
        where a.tenant = $1 and a.number = any($2::int[]) and ($3::text is null or h.key = $3)
     ), broken as (
       select s.number, s.execution_id, s.seq, l.hash is null as missing
         from said s left join audit_log l on l.execution_id = s.execution_id and l.seq = s.seq
        where l.hash is distinct from s.hash
        order by s.number, s.execution_id, s.seq limit 1
     )
     select number, execution_id,
            case when missing
              then least(seq, 1 + (select coalesce(max(l.seq), 0) from audit_log l where l.execution_id = b.execution_id))
              else seq end as seq
       from broken b`,
    [tenant, numbers, executionId ?? null],
  )
  return row
}

/** Newest first. @param before rows before this number; undefined: all */
export function readRefusals(
  db: Database,
  tenant: string,
  { before, limit }: { before: number | undefined; limit: number },
): Promise<{ number: number; refusals: AuditedRefusal[] }[]> {
  return db.query(
    'orchestrator.refusals',
    `select number, refusals from audit_anchors
      where tenant = $1 and refusals is not null and ($2::int is null or number < $2)
      order by number desc limit $3`,
    [tenant, before ?? null, limit],
  )
}
