/**
 * nats.request: one request on a NATS server that is a target. What it does there only its service knows, so it cannot be
 * undone, and `verify` says how it is seen to be done.
 */
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import { atNats, natsUrl, Subject } from '../nats/nats-target.ts'
import type { Kind } from './kind.ts'

const TEXT_CHARS_MAX = 65_000

const Input = z.strictObject({
  target: z.string().min(1).max(256),
  subject: Subject,
  payload: z.string().max(500_000).default(''),
})
export type NatsRequest = z.output<typeof Input>

export const natsRequest: Kind<NatsRequest> = {
  name: 'nats.request',
  version: 1,
  input: Input,
  idempotent: false,
  takesVerify: true,
  example: { target: 'factory', subject: 'press.start', payload: '{"press":3}' },
  effectOf: () => 'run',
  summary: ({ target, subject }) => `ask ${subject} on ${target}`,
  async before({ target }, { world, action }) {
    natsUrl(world, target)
    if (action.verify === undefined)
      throw new DeedError('invalid_request', 'a request needs verify: its answer alone proves nothing')
    return { state: 'unknown' }
  },
  reversibility: () => 'irreversible',
  postcondition: (_input, _before, { verify }) => verify ?? { kind: 'own_look' },
  execute: ({ target, subject, payload }, context) =>
    atNats(context.world, target, async (nats) => {
      context.begin()
      const answer = (await nats.request(subject, payload, context.action.timeout_ms)).toString()
      return {
        claimed: `${subject} answered with ${answer.length} characters`,
        result: {
          text: answer === '' ? `${subject} answered` : answer.slice(0, TEXT_CHARS_MAX),
          data: { answer: answer.slice(0, TEXT_CHARS_MAX), truncated: answer.length > TEXT_CHARS_MAX },
        },
      }
    }),
  async compensate({ subject }) {
    throw new DeedError('not_undoable', `a request to ${subject} cannot be undone`)
  },
  standing: async () => ({ at: 'unknown', observed: 'nobody here knows what the request has changed' }),
  environment: ({ target }, { config }) => config.targets[target]?.environment,
}
