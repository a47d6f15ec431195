/** Grants. A row never changes, except that it may be revoked. */
import { randomUUIDv7 } from 'node:crypto'
import type { Facts } from '@deed/proto/action'
import type { Grant, putGrant } from '@deed/proto/grant'
import type { ExecutionId, GrantId, Principal } from '@deed/proto/ids'
import type { z } from 'zod'
import type { Database } from './schema.ts'

type Row = Omit<Grant, 'expires_at' | 'created_at' | 'revoked_at'> & {
  expires_at: Date
  created_at: Date
  revoked_at: Date | null
}

const COLUMNS = `g.grant_id, g.kind, g.target, g.workspace, g.path, g.input, g.user_name as "user", g.level,
  g.expires_at, g.reason, g.means, g.granted_by, g.created_at, g.revoked_by, g.revoked_at,
  (select count(*)::int from approvals p where p.grant_id = g.grant_id) as uses`

/** @returns the new grant; undefined if its end has passed, by the database's clock */
export async function insertGrant(
  db: Database,
  { tenant, user }: Principal,
  given: z.output<typeof putGrant.input>,
  means: Facts,
): Promise<Grant | undefined> {
  const [row] = await db.query<Row>(
    'orchestrator.grant',
    `with g as (
       insert into grants (tenant, grant_id, kind, target, workspace, path, input, user_name, level, expires_at, reason,
         granted_by, means)
       select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 where $10::timestamptz > now()
       returning *)
     select ${COLUMNS} from g`,
    [
      ...[tenant, randomUUIDv7(), given.kind, given.target ?? null, given.workspace ?? null, given.path ?? null],
      given.input === undefined ? null : JSON.stringify(given.input),
      ...[given.user ?? null, given.level, given.expires_at, given.reason ?? null, user, JSON.stringify(means)],
    ],
  )
  return row && grantOf(row)
}

/** @param all includes grants that are no longer valid */
export async function readGrants(
  db: Database,
  tenant: string,
  { all, limit }: { all: boolean; limit: number },
): Promise<Grant[]> {
  const rows = await db.query<Row>(
    'orchestrator.grants',
    `select ${COLUMNS} from grants g
      where g.tenant = $1 and ($2 or (g.revoked_at is null and g.expires_at > now()))
      order by g.grant_id desc limit $3`,
    [tenant, all, limit],
  )
  return rows.map(grantOf)
}

/** @returns the grant, and the executions with an unused approval from it; undefined if there is none with this id */
export async function revokeGrant(
  db: Database,
  { tenant, user }: Principal,
  id: GrantId,
): Promise<{ grant: Grant; open: ExecutionId[] } | undefined> {
  const [row] = await db.query<Row & { open: ExecutionId[] }>(
    'orchestrator.revoke',
    `with g as (
       update grants set revoked_at = coalesce(revoked_at, now()), revoked_by = coalesce(revoked_by, $3)
        where tenant = $1 and grant_id = $2
       returning *)
     select ${COLUMNS}, (
         select coalesce(array_agg(distinct p.execution_id::text), '{}') from approvals p
          where p.grant_id = g.grant_id and p.status = 'approved') as open
       from g`,
    [tenant, id, user],
  )
  if (!row) return undefined
  const { open, ...grant } = row
  return { grant: grantOf(grant), open }
}

const grantOf = (row: Row): Grant => ({
  ...row,
  expires_at: row.expires_at.toISOString(),
  created_at: row.created_at.toISOString(),
  revoked_at: row.revoked_at?.toISOString() ?? null,
})
