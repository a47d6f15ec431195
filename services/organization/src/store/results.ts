/** What approved decisions leave behind, besides money: standards, permits, mandates. */
import type { DecisionId, DecisionType } from '@deed/proto/decision'
import type { OrganizationRole } from '@deed/proto/organization'
import type { Hold, Permit, Standard } from '@deed/proto/organization-work'
import type { PoolClient } from 'pg'
import type { Mandate } from '../authority/authority.ts'
import type { Db } from './decisions.ts'

/** Replaces the standard of that name. */
export async function writeStandard(
  client: PoolClient,
  tenant: string,
  { name, rule, decisionId }: { name: string; rule: string; decisionId: DecisionId },
): Promise<void> {
  await client.query({
    name: 'write-standard',
    text: `insert into standards (tenant, name, rule, decision_id) values ($1, $2, $3, $4)
           on conflict (tenant, name) do update set rule = excluded.rule, decision_id = excluded.decision_id, since = now()`,
    values: [tenant, name, rule, decisionId],
  })
}

export const readStandards = (db: Db, tenant: string): Promise<Standard[]> =>
  db.query<Standard>(
    'read-standards',
    `select name, rule, decision_id, to_char(since at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as since
     from standards where tenant = $1 order by name limit 500`,
    [tenant],
  )

export async function writePermits(
  client: PoolClient,
  tenant: string,
  permit: { release: string; environments: readonly string[]; hours: number; decisionId: DecisionId },
): Promise<void> {
  await client.query({
    name: 'write-permits',
    text: `insert into permits (tenant, decision_id, environment, release, valid_until)
           select $1, $2, e, $3, now() + make_interval(secs => $5::float8 * 3600) from unnest($4::text[]) as e
           on conflict do nothing`,
    values: [tenant, permit.decisionId, permit.release, permit.environments, permit.hours],
  })
}

export const readPermits = (db: Db, tenant: string): Promise<Permit[]> =>
  db.query<Permit>(
    'read-permits',
    `select environment, release, decision_id, to_char(valid_until at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as valid_until
     from permits where tenant = $1 and valid_until > now() order by permits.valid_until desc, environment limit 500`,
    [tenant],
  )

/** In place of another hold of that target. @param hold of 0 hours: it is released */
export async function writeHold(
  client: PoolClient,
  tenant: string,
  hold: { target: string; role: OrganizationRole; reason: string; hours: number; decisionId: DecisionId },
): Promise<void> {
  await client.query({
    name: 'write-hold',
    text: `insert into holds (tenant, target, held_by, reason, decision_id, valid_until)
           values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6::float8 * 3600))
           on conflict (tenant, target) do update set held_by = excluded.held_by, reason = excluded.reason,
             decision_id = excluded.decision_id, valid_until = excluded.valid_until`,
    values: [tenant, hold.target, hold.role, hold.reason, hold.decisionId, hold.hours],
  })
}

export const readHolds = (db: Db, tenant: string): Promise<Hold[]> =>
  db.query<Hold>(
    'read-holds',
    `select target, held_by, reason, decision_id,
            to_char(valid_until at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as until
     from holds where tenant = $1 and valid_until > now() order by target limit 500`,
    [tenant],
  )

export async function writeMandate(
  client: PoolClient,
  tenant: string,
  { type, change, decisionId }: { type: string; change: Mandate; decisionId: DecisionId },
): Promise<void> {
  await client.query({
    name: 'write-mandate',
    text: `insert into mandates (tenant, decision_type, change, decision_id) values ($1, $2, $3, $4)
           on conflict (tenant, decision_type) do update set change = excluded.change, decision_id = excluded.decision_id,
             since = now()`,
    values: [tenant, type, JSON.stringify(change), decisionId],
  })
}

export async function mandateFor(client: PoolClient, tenant: string, type: string): Promise<Mandate | undefined> {
  const { rows } = await client.query<{ change: Mandate }>({
    name: 'mandate-for',
    text: 'select change from mandates where tenant = $1 and decision_type = $2',
    values: [tenant, type],
  })
  return rows[0]?.change
}

export interface StoredMandate {
  readonly type: DecisionType
  readonly change: Mandate
  readonly decision_id: DecisionId
  readonly since: string
}

export const readMandates = (db: Db, tenant: string): Promise<StoredMandate[]> =>
  db.query<StoredMandate>(
    'read-mandates',
    `select decision_type as type, change, decision_id, to_char(since at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as since
     from mandates where tenant = $1`,
    [tenant],
  )
