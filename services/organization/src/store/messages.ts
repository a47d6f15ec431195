/** Messages, and who has them in the inbox. */

import { DeedError } from '@deed/proto/errors'
import type { OrganizationRole } from '@deed/proto/organization'
import {
  HOPS_MAX,
  type listMessages,
  MESSAGES_A_MINUTE_MAX,
  type Message,
  type MessageId,
  messageEvent,
} from '@deed/proto/organization-notes'
import type { PoolClient } from 'pg'
import type { z } from 'zod'
import type { Db } from './decisions.ts'
import type { NewEvent } from './outbox.ts'

interface NewMessage extends Pick<Message, 'message_id' | 'from' | 'to' | 'type' | 'subject' | 'content'> {
  readonly thread_id: MessageId | undefined
  readonly readers: readonly OrganizationRole[]
}

/** @returns its event, which is in the outbox with it, and the hop. @throws {DeedError} `rate_limited`, `not_found` for a thread, `limit_exceeded` for one that is closed */
export async function insertMessage(
  client: PoolClient,
  tenant: string,
  { readers, ...one }: NewMessage,
): Promise<{ hop: number; event: NewEvent }> {
  const { message_id: id, from, to, thread_id: thread = id } = one
  // The messages of a role take turns, so that its rate counts all of them.
  await client.query({
    name: 'turn-of-sender',
    text: 'select pg_advisory_xact_lock(hashtextextended($1, 0))',
    values: [`messages ${tenant} ${from}`],
  })
  const { rows } = await client.query<{ lately: number; hop: number | null; part: boolean | null }>({
    name: 'before-message',
    text: `select (select count(*)::int from messages where tenant = $1 and sender = $2
                    and sent_at > now() - interval '1 minute') as lately,
                  (select max(hop) from messages where tenant = $1 and thread_id = $3) as hop,
                  (select bool_or(m.sender = $2 or i.role = $2) from messages m
                     left join inbox i on i.tenant = m.tenant and i.message_id = m.message_id
                    where m.tenant = $1 and m.thread_id = $3) as part`,
    values: [tenant, from, thread],
  })
  const { lately = 0, hop = null, part = null } = rows[0] ?? {}
  if (lately >= MESSAGES_A_MINUTE_MAX)
    throw new DeedError('rate_limited', `${from} wrote ${lately} messages in the last minute; wait, and write fewer`)
  if (one.thread_id !== undefined && part !== true) throw new DeedError('not_found', 'there is no such thread of yours')
  const next = (hop ?? 0) + 1
  if (next > HOPS_MAX)
    throw new DeedError('limit_exceeded', `the thread has ${HOPS_MAX} messages and is closed; decide, or ask a person`)
  const at = new Date().toISOString()
  const payload: z.input<typeof messageEvent.payload> = { ...one, thread_id: thread, hop: next, at }
  const event = { event_id: id, subject: messageEvent.subject.replace('*.*', `${tenant}.${to}`), payload }
  await client.query({
    name: 'insert-message',
    text: `with sent as (
             insert into messages (tenant, message_id, sender, recipient, type, subject, content, thread_id, hop)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning tenant, message_id),
           event as (insert into outbox (event_id, subject, payload) values ($2::uuid::text, $11, $12))
           insert into inbox (tenant, role, message_id) select tenant, r, message_id from sent, unnest($10::text[]) as r`,
    values: [
      ...[tenant, id, from, to, one.type, one.subject, one.content, thread, next, readers],
      ...[event.subject, JSON.stringify(payload)],
    ],
  })
  return { hop: next, event }
}

/** Newest first; those counts as read then. */
export async function takeInbox(
  db: Db,
  tenant: string,
  role: OrganizationRole,
  { unread_only, limit }: { unread_only: boolean; limit: number },
): Promise<{ messages: Message[]; unread_left: number }> {
  const messages = await db.query<Message>(
    'take-inbox',
    `with shown as (
       select i.message_id, i.read_at is not null as read from inbox i
       where i.tenant = $1 and i.role = $2 and (not $3 or i.read_at is null)
       order by i.message_id desc limit $4 for update),
     marked as (
       update inbox set read_at = now() from shown
       where inbox.tenant = $1 and inbox.role = $2 and inbox.message_id = shown.message_id and read_at is null)
     select m.message_id, m.sender as "from", m.recipient as "to", m.type, m.subject, m.content, m.thread_id, m.hop,
            to_char(m.sent_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at, shown.read
     from shown join messages m on m.tenant = $1 and m.message_id = shown.message_id order by m.message_id desc`,
    [tenant, role, unread_only, limit],
  )
  const [left] = await db.query<{ unread: number }>(
    'unread-left',
    'select count(*)::int as unread from inbox where tenant = $1 and role = $2 and read_at is null',
    [tenant, role],
  )
  return { messages, unread_left: left?.unread ?? 0 }
}

export type ShownMessage = z.output<typeof listMessages.output>['messages'][number]

/** Newest first; what is returned stays unread. */
export const listMessageRows = (
  db: Db,
  tenant: string,
  asked: { role?: string | undefined; thread_id?: string | undefined; cursor?: string | undefined; limit: number },
): Promise<ShownMessage[]> =>
  db.query<ShownMessage>(
    'list-messages',
    `select m.message_id, m.sender as "from", m.recipient as "to", m.type, m.subject, m.content, m.thread_id, m.hop,
            to_char(m.sent_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at,
            coalesce((select jsonb_agg(i.role order by i.role) from inbox i
              where i.tenant = $1 and i.message_id = m.message_id and i.read_at is null), '[]') as unread_by
     from messages m
     where m.tenant = $1 and ($2::text is null or m.sender = $2 or exists (select from inbox i
         where i.tenant = $1 and i.message_id = m.message_id and i.role = $2))
       and ($3::uuid is null or m.thread_id = $3) and ($4::uuid is null or m.message_id < $4)
     order by m.message_id desc limit $5`,
    [tenant, asked.role ?? null, asked.thread_id ?? null, asked.cursor ?? null, asked.limit],
  )

/** @param days older ones go @returns how many went */
export async function pruneMessages(db: Db, days: number, limit: number): Promise<number> {
  const rows = await db.query(
    'prune-messages',
    `delete from messages where (tenant, message_id) in (
       select tenant, message_id from messages where sent_at < now() - make_interval(days => $1) limit $2) returning 1`,
    [days, limit],
  )
  return rows.length
}
