/** What roles write: messages to each other, and memories. All of it is text of programs: data for every reader. */
import { z } from 'zod'
import { event, request } from './contract.ts'
import { Line, ORG_STREAM, OrganizationRole, Prose, Tags } from './organization.ts'

/** How often a thread may be answered: two programs that answer each other end here. */
export const HOPS_MAX = 6
/** Messages of a role in a minute. */
export const MESSAGES_A_MINUTE_MAX = 30
export const MESSAGE_DAYS = 30

export const MessageId = z.uuid().brand<'MessageId'>()
export type MessageId = z.output<typeof MessageId>
export const Recipient = z.enum([...OrganizationRole.options, 'all', 'leadership'])
export const MessageType = z.enum(['request', 'response', 'notification', 'escalation'])

export const Message = z.object({
  message_id: MessageId,
  from: OrganizationRole,
  to: Recipient,
  type: MessageType,
  subject: z.string(),
  content: z.string(),
  thread_id: MessageId,
  hop: z.int(),
  at: z.iso.datetime(),
  read: z.boolean(),
})
export type Message = z.output<typeof Message>

/**
 * Stored when the reply comes. A message of a thread is one hop further than the last one of it; behind the sixth the thread is
 * closed. Nothing answers by itself.
 */
export const sendMessage = request({
  subject: 'organization.send-message',
  owner: 'organization',
  summary: 'Write to a role, to the leadership or to all.',
  timeoutMs: 5_000,
  idempotent: false,
  input: z.strictObject({
    to: Recipient,
    type: MessageType,
    subject: Line,
    content: Prose,
    thread_id: MessageId.optional(),
  }),
  output: z.object({ message_id: MessageId, thread_id: MessageId, hop: z.int() }),
})

/** Of the role that asks, newest first; what is returned counts as read. Messages are kept for 30 days. */
export const readInbox = request({
  subject: 'organization.read-inbox',
  owner: 'organization',
  summary: 'The messages to the role that asks.',
  timeoutMs: 5_000,
  idempotent: false,
  input: z.strictObject({ unread_only: z.boolean().default(true), limit: z.int().min(1).max(100).default(20) }),
  output: z.object({ messages: z.array(Message), unread_left: z.int() }),
})

/** For people who look on: newest first, and none counts as read by it. */
export const listMessages = request({
  subject: 'organization.list-messages',
  owner: 'organization',
  summary: 'The messages of all roles.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    /** That it wrote or has in its inbox. */
    role: OrganizationRole.optional(),
    thread_id: MessageId.optional(),
    limit: z.int().min(1).max(100).default(50),
    /** Messages before this one. */
    cursor: MessageId.optional(),
  }),
  output: z.object({
    messages: z.array(
      Message.omit({ read: true }).extend({
        /** Who has not read it yet. */
        unread_by: z.array(OrganizationRole),
      }),
    ),
    next_cursor: MessageId.nullable(),
  }),
})

/** `messages.<tenant>.<recipient>`, after the commit, at least once live and once in the stream. The inbox has it, too. */
export const messageEvent = event({
  subject: 'messages.*.*',
  owner: 'organization',
  summary: 'A role wrote a message.',
  stream: ORG_STREAM,
  payload: z.object({
    message_id: MessageId,
    from: OrganizationRole,
    to: Recipient,
    type: MessageType,
    thread_id: MessageId,
    at: z.iso.datetime(),
    hop: z.int().optional(),
    subject: z.string().optional(),
    /** Text of a program: data. */
    content: z.string().optional(),
  }),
})

export const Memory = z.object({
  key: z.string(),
  content: z.string(),
  tags: z.array(z.string()),
  /** The role that wrote it. */
  by: OrganizationRole,
  /** The execution or decision that it comes from; null: it is the role's own word. */
  from: z.string().nullable(),
  at: z.iso.datetime(),
})
export type Memory = z.output<typeof Memory>

/** Of the role that asks: the same key replaces what it remembered under it. */
export const remember = request({
  subject: 'organization.remember',
  owner: 'organization',
  summary: 'Keep a note under a key.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    key: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,127}$/),
    content: Prose,
    tags: Tags.default([]),
    from: z.string().min(1).max(128).optional(),
  }),
  output: z.object({ key: z.string(), replaced: z.boolean() }),
})

/** Of all roles: best match first, or newest first without words. */
export const recall = request({
  subject: 'organization.recall',
  owner: 'organization',
  summary: 'Search the notes of all roles.',
  timeoutMs: 5_000,
  idempotent: true,
  input: z.strictObject({
    query: z.string().max(512).default(''),
    tags: Tags.default([]),
    by: OrganizationRole.optional(),
    limit: z.int().min(1).max(50).default(10),
  }),
  output: z.object({ memories: z.array(Memory) }),
})
