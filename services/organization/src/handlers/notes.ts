/** Messages and memories of the roles. */
import { randomUUIDv7 } from 'node:crypto'
import type { Handler } from '@deed/mesh/bus'
import { LEADERSHIP, ORGANIZATION_ROLES, type OrganizationRole } from '@deed/proto/organization'
import type * as proto from '@deed/proto/organization-notes'
import { inTransaction, type Store } from '@deed/store/database'
import type { Log } from '@deed/telemetry/logger'
import { findMemories, writeMemory } from '../store/memories.ts'
import { insertMessage, listMessageRows, takeInbox } from '../store/messages.ts'
import { addMessageEvent } from '../store/outbox.ts'
import { asRole } from './as-role.ts'

interface Dependencies {
  store: Store<unknown>
  log: Log
  /** Events were committed. */
  publish(): void
}

export const sendMessage = ({ store, log, publish }: Dependencies): Handler<typeof proto.sendMessage> =>
  asRole(store, async ({ tenant, role: from }, { to, type, subject, content, thread_id }) => {
    const id = randomUUIDv7() as proto.MessageId
    const readers = readersOf(to).filter((role) => role !== from)
    const thread = thread_id ?? id
    const message = { message_id: id, from, to, type, subject, content }
    const hop = await inTransaction(store, log, async (client) => {
      const place = await insertMessage(client, tenant, { ...message, thread_id, readers })
      const at = new Date().toISOString()
      await addMessageEvent(client, tenant, { ...message, thread_id: thread, hop: place, at })
      return place
    })
    publish()
    return { message_id: id, thread_id: thread, hop }
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
