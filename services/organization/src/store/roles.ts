/** When each role spoke last, and what it has to do with decisions. */
import { ORGANIZATION_ROLES, type OrganizationRole, type RoleStatus } from '@deed/proto/organization'
import type { Db } from './decisions.ts'

/** One write in five seconds at most. A heartbeat is a row: it wakes nobody. */
export async function sawRole(db: Db, tenant: string, role: OrganizationRole): Promise<void> {
  await db.query(
    'saw-role',
    `insert into agent_status (tenant, role, last_seen) values ($1, $2, now())
     on conflict (tenant, role) do update set last_seen = now()
       where agent_status.last_seen < now() - interval '5 seconds'`,
    [tenant, role],
  )
}

/** In the order of the roles. */
export function readRoles(db: Db, tenant: string): Promise<RoleStatus[]> {
  return db.query<RoleStatus>(
    'read-roles',
    `select r.role,
       (select to_char(s.last_seen at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') from agent_status s
         where s.tenant = $1 and s.role = r.role) as last_seen,
       (select count(*)::int from inbox i where i.tenant = $1 and i.role = r.role and i.read_at is null) as unread_messages,
       (select count(*)::int from decisions d where d.tenant = $1 and d.status = 'pending' and not d.asks_person
         and r.role = any(d.voters) and not exists (select from decision_votes v
           where v.tenant = $1 and v.decision_id = d.decision_id and v.role = r.role)) as votes_due,
       (select count(*)::int from decisions d where d.tenant = $1 and d.proposed_by = r.role) as proposed,
       (select count(*)::int from decision_votes v where v.tenant = $1 and v.role = r.role) as votes_cast,
       (select count(*)::int from decision_votes v where v.tenant = $1 and v.role = r.role and v.vote = 'reject')
         as votes_against
     from unnest($2::text[]) with ordinality as r(role, n) order by n`,
    [tenant, ORGANIZATION_ROLES],
  )
}
