/** Events that were committed with what they are about, until the stream has them. */
import { type DECISION_EVENTS, type DecisionId, decisionEvent } from '@deed/proto/decision'
import type { PoolClient } from 'pg'
import type { Db } from './decisions.ts'

const NOW = `to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

/** In their order. The decision is as this transaction leaves it. */
export async function addDecisionEvents(
  client: PoolClient,
  tenant: string,
  id: DecisionId,
  happened: readonly (typeof DECISION_EVENTS)[number][],
): Promise<void> {
  if (happened.length === 0) return
  await client.query({
    name: 'add-decision-events',
    text: `insert into outbox (event_id, subject, payload)
           select decision_id || ':' || what, replace($4, '*.*', $1 || '.' || what),
             jsonb_build_object('decision_id', decision_id, 'type', type, 'status', status, 'key', key, 'at', ${NOW})
           from decisions, unnest($3::text[]) with ordinality as h(what, place)
           where tenant = $1 and decision_id = $2 order by place`,
    values: [tenant, id, happened, decisionEvent.subject],
  })
}

export interface NewEvent {
  readonly event_id: string
  readonly subject: string
  readonly payload: object
}

export interface StoredEvent extends NewEvent {
  /** A bigint. */
  readonly seq: string
}

/** The oldest ones that no other replica publishes, locked until the end of the transaction. @param but ids of others */
export async function lockEvents(client: PoolClient, limit: number, but: readonly string[]): Promise<StoredEvent[]> {
  const { rows } = await client.query<StoredEvent>({
    name: 'lock-events',
    text: `select seq, event_id, subject, payload from outbox where event_id <> all($2)
           order by seq limit $1 for update skip locked`,
    values: [limit, but],
  })
  return rows
}

export async function removeEvents(client: PoolClient, seqs: readonly string[]): Promise<void> {
  await client.query({
    name: 'remove-events',
    text: 'delete from outbox where seq = any($1::bigint[])',
    values: [seqs],
  })
}

export async function removeEvent(db: Db, id: string): Promise<void> {
  await db.query('remove-event', 'delete from outbox where event_id = $1', [id])
}
