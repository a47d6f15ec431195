/** The backlog, in its order. */
import { type BacklogId, BacklogItem } from '@deed/proto/organization-work'
import type { PoolClient } from 'pg'
import type { Db } from './decisions.ts'

const COLUMNS = `backlog_id, kind, name, text, proposed_by, status, criteria, evidence, rank_now::int as rank,
  to_char(proposed_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at`
const RANKED = `select *, row_number() over (order by rank nulls last, proposed_at, backlog_id) as rank_now
  from backlog where tenant = $1 and status in ('proposed', 'in_work')
  union all select *, 0 from backlog where tenant = $1 and status in ('done', 'dropped')`

export async function readBacklog(
  db: Db,
  tenant: string,
  asked: { backlog_id?: string | undefined; status?: string | undefined; kind?: string | undefined; limit: number },
): Promise<BacklogItem[]> {
  const rows = await db.query<object>(
    'read-backlog',
    `select ${COLUMNS} from (${RANKED}) as b
     where ($2::uuid is null or backlog_id = $2) and ($3::text is null or status = $3) and ($4::text is null or kind = $4)
     order by rank_now = 0, rank_now, proposed_at desc limit $5`,
    [tenant, asked.backlog_id ?? null, asked.status ?? null, asked.kind ?? null, asked.limit],
  )
  return rows.map((row) => BacklogItem.parse(row))
}

/** @returns false if the name is taken */
export async function insertBacklog(
  db: Db,
  tenant: string,
  item: Pick<BacklogItem, 'backlog_id' | 'kind' | 'name' | 'text' | 'proposed_by' | 'criteria' | 'evidence'>,
): Promise<boolean> {
  const rows = await db.query(
    'insert-backlog',
    `insert into backlog (tenant, backlog_id, kind, name, text, proposed_by, criteria, evidence)
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (tenant, name) do nothing returning 1`,
    [
      ...[tenant, item.backlog_id, item.kind, item.name, item.text, item.proposed_by],
      ...[JSON.stringify(item.criteria), JSON.stringify(item.evidence)],
    ],
  )
  return rows.length === 1
}

/** @returns false if there is no such item or criterion, or it is done */
export async function linkExecution(
  db: Db,
  tenant: string,
  { id, criterion, executionId }: { id: BacklogId; criterion: number; executionId: string },
): Promise<boolean> {
  const rows = await db.query(
    'link-criterion',
    `update backlog set status = 'in_work',
       criteria = jsonb_set(criteria, array[$3::text, 'execution_id'], to_jsonb($4::text))
     where tenant = $1 and backlog_id = $2 and status in ('proposed', 'in_work')
       and $3::int < jsonb_array_length(criteria) returning 1`,
    [tenant, id, criterion, executionId],
  )
  return rows.length === 1
}

/** Provided its criteria are still those that were verified. */
export async function finishItem(
  db: Db,
  tenant: string,
  { backlog_id, criteria }: Pick<BacklogItem, 'backlog_id' | 'criteria'>,
): Promise<void> {
  await db.query(
    'finish-item',
    `update backlog set status = 'done' where tenant = $1 and backlog_id = $2 and criteria = $3 and status <> 'dropped'`,
    [tenant, backlog_id, JSON.stringify(criteria)],
  )
}

/** The named ones come first, in this order; the others keep theirs behind them. */
export async function rankBacklog(client: PoolClient, tenant: string, ids: readonly string[]): Promise<void> {
  await client.query({
    name: 'rank-backlog',
    text: `with named as (select id, n from unnest($2::uuid[]) with ordinality as o(id, n)),
             ordered as (
               select b.backlog_id, row_number() over (order by n nulls last, rank nulls last, proposed_at, backlog_id) as place
               from backlog b left join named on named.id = b.backlog_id where b.tenant = $1)
           update backlog set rank = place from ordered
           where backlog.tenant = $1 and backlog.backlog_id = ordered.backlog_id`,
    values: [tenant, ids],
  })
}
