/** The rows of decisions and votes. What was decided is never written again: each statement that decides says so. */
import { Decision, type DecisionId, type DecisionStatus, type DecisionType } from '@deed/proto/decision'
import type { ExecutionId } from '@deed/proto/ids'
import type { OrganizationRole } from '@deed/proto/organization'
import type { Store } from '@deed/store/database'
import type { PoolClient } from 'pg'

export type Db = Pick<Store<unknown>, 'query'>

const ISO = (column: string): string =>
  `to_char(${column} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "${column.split('.').at(-1)}"`

const COLUMNS = `d.decision_id, d.type, d.mode, d.status, d.proposed_by, d.subject, d.rationale, d.facts, d.rule,
  d.authority_version, d.voters, d.quorum, d.consensus_score, d.execution_id, d.decided_by, d.why, d.key,
  ${ISO('d.due_at')}, ${ISO('d.proposed_at')}, ${ISO('d.decided_at')},
  coalesce((select jsonb_agg(jsonb_build_object('role', v.role, 'vote', v.vote, 'confidence', v.confidence,
      'rationale', v.rationale, 'evidence', v.evidence,
      'at', to_char(v.cast_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) order by v.cast_at, v.role)
    from decision_votes v where v.tenant = d.tenant and v.decision_id = d.decision_id), '[]') as votes`

export interface NewDecision extends Pick<Decision, 'decision_id' | 'type' | 'mode' | 'proposed_by' | 'subject'> {
  readonly rationale: string
  readonly facts: Decision['facts']
  readonly key: string | undefined
  readonly rule: string
  readonly authority_version: string
  readonly voters: readonly OrganizationRole[]
  readonly quorum: number
  readonly margin: number
  /** Of votes; null where nobody votes. */
  readonly hours: number | null
  readonly asks_person: boolean
}

/** @returns false if the key of this role is taken */
export async function insertDecision(client: PoolClient, tenant: string, one: NewDecision): Promise<boolean> {
  const { rowCount } = await client.query({
    name: 'insert-decision',
    text: `insert into decisions (tenant, decision_id, type, mode, status, proposed_by, key, subject, rationale, facts, rule,
             authority_version, voters, quorum, margin, due_at, asks_person)
           values ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
             now() + make_interval(secs => $15::float8 * 3600), $16)
           on conflict (tenant, proposed_by, key) where key is not null do nothing`,
    values: [
      ...[tenant, one.decision_id, one.type, one.mode, one.proposed_by, one.key ?? null],
      ...[JSON.stringify(one.subject), one.rationale, JSON.stringify(one.facts), one.rule, one.authority_version],
      ...[one.voters, one.quorum, one.margin, one.hours, one.asks_person],
    ],
  })
  return rowCount === 1
}

/** What deciding needs of a row. */
export interface OpenDecision {
  readonly decision_id: DecisionId
  readonly type: DecisionType
  readonly status: DecisionStatus
  readonly proposed_by: OrganizationRole
  readonly subject: Decision['subject']
  readonly voters: OrganizationRole[]
  readonly quorum: number
  readonly margin: number
  readonly late: boolean
  readonly asks_person: boolean
}

/** Locked until the end of the transaction, so that votes and deadlines take turns. */
export async function lockDecision(
  client: PoolClient,
  tenant: string,
  id: DecisionId,
): Promise<OpenDecision | undefined> {
  const { rows } = await client.query<OpenDecision>({
    name: 'lock-decision',
    text: `select decision_id, type, status, proposed_by, subject, voters, quorum, margin, asks_person,
             coalesce(due_at <= clock_timestamp(), false) as late
           from decisions where tenant = $1 and decision_id = $2 for update`,
    values: [tenant, id],
  })
  return rows[0]
}

export async function writeOutcome(
  client: PoolClient,
  tenant: string,
  id: DecisionId,
  outcome: { status: 'approved' | 'rejected'; by: string; why: string; score: number | null },
): Promise<void> {
  await client.query({
    name: 'write-outcome',
    text: `update decisions set status = $3, decided_at = now(), decided_by = $4, why = $5,
             consensus_score = coalesce($6, consensus_score)
           where tenant = $1 and decision_id = $2 and status in ('pending', 'escalated')`,
    values: [tenant, id, outcome.status, outcome.by, outcome.why, outcome.score],
  })
}

/** Once: a row that asks a person already stays as it is. */
export async function writeEscalation(
  client: PoolClient,
  tenant: string,
  id: DecisionId,
  { why, score }: { why: string; score: number | null },
): Promise<boolean> {
  const { rowCount } = await client.query({
    name: 'write-escalation',
    text: `update decisions set status = 'escalated', asks_person = true, why = $3, consensus_score = coalesce($4, consensus_score)
           where tenant = $1 and decision_id = $2 and status = 'pending' and not asks_person`,
    values: [tenant, id, why, score],
  })
  return rowCount === 1
}

export async function readDecision(db: Db, tenant: string, id: DecisionId): Promise<Decision | undefined> {
  const rows = await db.query<object>(
    'read-decision',
    `select ${COLUMNS} from decisions d where d.tenant = $1 and d.decision_id = $2`,
    [tenant, id],
  )
  return rows[0] && Decision.parse(rows[0])
}

export async function decisionOfKey(db: Db, tenant: string, by: string, key: string): Promise<Decision | undefined> {
  const rows = await db.query<object>(
    'decision-of-key',
    `select ${COLUMNS} from decisions d where d.tenant = $1 and d.proposed_by = $2 and d.key = $3`,
    [tenant, by, key],
  )
  return rows[0] && Decision.parse(rows[0])
}

export async function listDecisionRows(
  db: Db,
  tenant: string,
  asked: {
    status?: string | undefined
    open: boolean
    type?: string | undefined
    vote_due?: string | undefined
    name?: string | undefined
    limit: number
    cursor?: string | undefined
  },
): Promise<Decision[]> {
  const rows = await db.query<object>(
    'list-decisions',
    `select ${COLUMNS} from decisions d
     where d.tenant = $1 and ($2::text is null or d.status = $2) and ($3::text is null or d.type = $3)
       and ($4::text is null or d.status = 'pending' and not d.asks_person and $4 = any(d.voters) and not exists (
         select from decision_votes v where v.tenant = d.tenant and v.decision_id = d.decision_id and v.role = $4))
       and ($5::text is null or d.subject ->> 'name' = $5) and ($6::uuid is null or d.decision_id < $6)
       and (not $8 or d.status in ('pending', 'escalated'))
     order by d.decision_id desc limit $7`,
    [
      ...[tenant, asked.status ?? null, asked.type ?? null, asked.vote_due ?? null],
      ...[asked.name ?? null, asked.cursor ?? null, asked.limit, asked.open],
    ],
  )
  return rows.map((row) => Decision.parse(row))
}

/** Of the newest decision of this type and name: a later rejection takes an approval back. */
export async function isApproved(client: PoolClient, tenant: string, type: string, name: string): Promise<boolean> {
  const { rows } = await client.query<{ status: string }>({
    name: 'is-approved',
    text: `select status from decisions where tenant = $1 and type = $2 and subject ->> 'name' = $3
             and status in ('approved', 'rejected') order by decided_at desc limit 1`,
    values: [tenant, type, name],
  })
  return rows[0]?.status === 'approved'
}

export interface Waiting {
  readonly tenant: string
  readonly decision_id: DecisionId
}

/** Open decisions whose votes are late. */
export const lateDecisions = (db: Db, limit: number): Promise<Waiting[]> =>
  db.query<Waiting>(
    'late-decisions',
    `select tenant, decision_id from decisions
     where status = 'pending' and not asks_person and due_at <= now() order by due_at limit $1`,
    [limit],
  )

export interface ForPerson extends Waiting {
  readonly execution_id: ExecutionId | null
  readonly proposed_by: OrganizationRole
}

/** Open decisions that a person decides, oldest first. */
export const decisionsForPeople = (db: Db, limit: number): Promise<ForPerson[]> =>
  db.query<ForPerson>(
    'decisions-for-people',
    `select tenant, decision_id, execution_id, proposed_by from decisions
     where status in ('pending', 'escalated') and asks_person order by proposed_at limit $1`,
    [limit],
  )

export async function writeQuestion(db: Db, { tenant, decision_id }: Waiting, executionId: string): Promise<void> {
  await db.query(
    'write-question',
    'update decisions set execution_id = $3 where tenant = $1 and decision_id = $2 and execution_id is null',
    [tenant, decision_id, executionId],
  )
}
