/** Votes: one for each role and decision, by its primary key. */
import type { Choice, DecisionId } from '@deed/proto/decision'
import type { OrganizationRole } from '@deed/proto/organization'
import type { PoolClient } from 'pg'

export interface VoteRow {
  readonly role: OrganizationRole
  readonly vote: Choice
  readonly confidence: number
  readonly rationale: string
}

export async function insertVote(
  client: PoolClient,
  tenant: string,
  id: DecisionId,
  { role, vote, confidence, rationale, evidence }: VoteRow & { evidence: readonly string[] },
): Promise<void> {
  await client.query({
    name: 'insert-vote',
    text: `insert into decision_votes (tenant, decision_id, role, vote, confidence, rationale, evidence)
           values ($1, $2, $3, $4, $5, $6, $7)`,
    values: [tenant, id, role, vote, confidence, rationale, JSON.stringify(evidence)],
  })
}

export async function votesOn(client: PoolClient, tenant: string, id: DecisionId): Promise<VoteRow[]> {
  const { rows } = await client.query<VoteRow>({
    name: 'votes-on',
    text: 'select role, vote, confidence, rationale from decision_votes where tenant = $1 and decision_id = $2',
    values: [tenant, id],
  })
  return rows
}
