/** Messages and memories of the roles. */
import { randomUUIDv7 } from 'node:crypto'
import type { Handler } from '@deed/mesh/bus'
import { LEADERSHIP, ORGANIZATION_ROLES, type OrganizationRole } from '@deed/proto/organization'
import type * as proto from '@deed/proto/organization-notes'
import { inTransaction, type Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'
import { findMemories, writeMemory } from '../store/memories.ts'
import { insertMessage, listMessageRows, takeInbox } from '../store/messages.ts'
import type { NewEvent } from '../store/outbox.ts'
import { asRole } from './as-role.ts'

interface Dependencies {
  store: Store<unknown>
  log: Log
  /** An event was committed. */
  publishNow(event: NewEvent): void
}

export const sendMessage = ({ store, log, publishNow }: Dependencies): Handler<typeof proto.sendMessage> =>
  asRole(store, async ({ tenant, role: from }, { to, type, subject, content, thread_id }) => {
    const id = randomUUIDv7() as proto.MessageId
    const readers = readersOf(to).filter((role) => role !== from)
    const message = { message_id: id, from, to, type, subject, content, thread_id, readers }
    const { hop, event } = await inTransaction(store, log, (client) => insertMessage(client, tenant, message))
    publishNow(event)
    return { message_id: id, thread_id: thread_id ?? id, hop }
  })

function readersOf(to: proto.Message['to']): readonly OrganizationRole[] {
  if (to === 'all') return ORGANIZATION_ROLES
  return to === 'leadership' ? LEADERSHIP : [to]
}

export const readInbox = ({ store }: Pick<Dependencies, 'store'>): Handler<typeof proto.readInbox> =>
  asRole(store, ({ tenant, role }, asked) => takeInbox(store, tenant, role, asked))

export const listMessages =
  ({ store }: Pick<Dependencies, 'store'>): Handler<typeof proto.listMessages> =>
  async ({ limit, ...asked }, { principal: { tenant } }) => {
    const rows = await listMessageRows(store, tenant, { ...asked, limit: limit + 1 })
    const messages = rows.slice(0, limit)
    return { messages, next_cursor: rows.length > limit ? (messages.at(-1)?.message_id ?? null) : null }
  }

export const remember = ({ store }: Pick<Dependencies, 'store'>): Handler<typeof proto.remember> =>
  asRole(store, async ({ tenant, role }, { key, content, tags, from }) => ({
    key,
    replaced: await writeMemory(store, tenant, { role, key, content, tags, from }),
  }))

export const recall =
  ({ store }: Pick<Dependencies, 'store'>): Handler<typeof proto.recall> =>
  async (asked, { principal: { tenant } }) => ({ memories: await findMemories(store, tenant, asked) })
