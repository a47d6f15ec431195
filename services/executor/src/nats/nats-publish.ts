/**
 * nats.publish: one message on a NATS server that is a target. In a stream it is found again by the action's id, which is
 * the proof, and what keeps it from being there twice. Without a stream nobody can see it, so `verify` must say how.
 */
import { counted } from '@deed/config/counted'
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import type { After, Before, Context, Kind } from '../kind/kind.ts'
import { failed, type Seen, unverified, verified } from '../kind/seen.ts'
import { atNats, natsUrl, Subject } from './nats-target.ts'

/** Messages that others have published since, among which one is looked for. */
const SEARCHED_MAX = 1_000

const Input = z.strictObject({
  target: z.string().min(1).max(256),
  subject: Subject,
  payload: z.string().max(500_000),
  /** The stream that keeps the subject's messages. */
  stream: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .optional(),
})
export type NatsPublish = z.output<typeof Input>

export type PublishBefore = Before & {
  /** The stream's last sequence; absent without a stream. */
  sequence?: number
}

export const natsPublish: Kind<NatsPublish, PublishBefore, After> = {
  name: 'nats.publish',
  version: 1,
  input: Input,
  idempotent: false,
  takesVerify: true,
  example: { target: 'factory', subject: 'orders.new', payload: '{"id":7}', stream: 'ORDERS' },
  effectOf: () => 'create',
  summary: ({ target, subject, payload }) =>
    `publish ${counted(Buffer.byteLength(payload), 'byte')} to ${subject} on ${target}`,
  async before({ target, stream }, { world, action }) {
    natsUrl(world, target)
    if (stream === undefined && action.verify === undefined)
      throw new DeedError('invalid_request', 'name the stream that keeps the message, or say in verify how it is seen')
    if (stream === undefined) return { state: 'unknown' }
    return { state: 'unknown', sequence: await atNats(world, target, (nats) => nats.lastSequence(stream)) }
  },
  // Who has read it cannot be made to forget it.
  reversibility: () => 'irreversible',
  mayHoldAlready: ({ stream }) => stream === undefined,
  postcondition({ stream }, _before, { verify }) {
    if (stream === undefined) return verify ?? { kind: 'own_observation' }
    return verify === undefined
      ? { kind: 'own_observation' }
      : { kind: 'all', of: [{ kind: 'own_observation' }, verify] }
  },
  execute: ({ target, subject, payload, stream }, context) =>
    atNats(context.world, target, async (nats) => {
      context.begin()
      if (stream === undefined) {
        await nats.publish(subject, payload)
        return { claimed: `published to ${subject}`, result: { text: `published to ${subject}` } }
      }
      const sequence = await nats.publishToStream(stream, subject, payload, context.actionId)
      const text = `published to ${subject}: number ${sequence} of ${stream}`
      return { claimed: text, result: { text, data: { stream, sequence } }, facts: { sequence } }
    }),
  observe: findMessage,
  async compensate({ subject }) {
    throw new DeedError('not_undoable', `what was published to ${subject} cannot be taken back`)
  },
  async targetState(input, context, before) {
    if (input.stream === undefined) return { at: 'unknown', observed: 'who has received it is unknown' }
    const { outcome, observed } = await findMessage(input, context, before)
    return { at: outcome === 'verified' ? 'after' : outcome === 'failed' ? 'before' : 'unknown', observed }
  },
  environment: ({ target }, { config }) => config.targets[target]?.environment,
}

/** On a connection of its own, among what was published since the action was begun. */
async function findMessage(
  { target, subject, payload, stream }: NatsPublish,
  { world, actionId }: Context,
  { sequence }: PublishBefore,
): Promise<Seen> {
  if (stream === undefined || sequence === undefined) return unverified('no stream keeps the message')
  return atNats(world, target, async (nats) => {
    for (let searched = 0, from = sequence + 1; searched < SEARCHED_MAX; searched++) {
      const message = await nats.messageFrom(stream, subject, from)
      if (!message) return failed(`${stream} has no message of this action`)
      const facts = { sequence: message.sequence, bytes: message.data.length }
      if (message.messageId === actionId)
        return message.data.toString() === payload
          ? verified(`${stream} has it as number ${message.sequence}`, facts)
          : failed(`number ${message.sequence} of ${stream} has another payload`, facts)
      from = message.sequence + 1
    }
    return unverified(`it is not among the ${SEARCHED_MAX} messages after number ${sequence} of ${stream}`)
  })
}
