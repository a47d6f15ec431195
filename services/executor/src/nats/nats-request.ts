/**
 * nats.request: one request on a NATS server that is a target. What it does there only its service knows, so it cannot be
 * undone, and `verify` says how it is seen to be done. Where the target's `reads` names the subject, it only reads.
 */
import { counted } from '@deed/config/counted'
import { sha256 } from '@deed/json/canonical-json'
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import type { Before, Context, Effect, Kind, World } from '../kind/kind.ts'
import { readingOnly } from '../kind/reading-only.ts'
import { atNats, natsUrl, nobodyListened, Subject } from './nats-target.ts'

const TEXT_CHARS_MAX = 65_000

const Input = z.strictObject({
  target: z.string().min(1).max(256),
  subject: Subject,
  payload: z.string().max(500_000).default(''),
  /** Of a subject that reads; false: it is asked exactly once, and no second request confirms its answer. */
  repeatable: z.boolean().default(true),
})
export type NatsRequest = z.output<typeof Input>

export type RequestBefore = Before & {
  /** The subject only reads. */
  reads?: boolean
}

export const natsRequest: Kind<NatsRequest, RequestBefore> = {
  name: 'nats.request',
  version: 1,
  input: Input,
  idempotent: false,
  takesVerify: true,
  example: { target: 'factory', subject: 'press.start', payload: '{"press":3}' },
  effectOf: (input, world) => (isRead(input, world) ? 'read' : 'run'),
  summary: ({ target, subject }) => `ask ${subject} on ${target}`,
  async before(input, { world, action }) {
    natsUrl(world, input.target)
    if (isRead(input, world)) return { state: 'unread', reads: true, ...(input.repeatable ? {} : { once: true }) }
    if (!input.repeatable)
      throw new DeedError(
        'invalid_request',
        `repeatable is for subjects that only read: name ${input.subject} in reads of the target`,
        { path: '$.input.repeatable' },
      )
    if (action.verify === undefined)
      throw new DeedError('invalid_request', 'a request needs verify: its answer alone proves nothing')
    return { state: 'unknown' }
  },
  reversibility: (_, { reads }) => (reads ? 'reversible' : 'irreversible'),
  mayHoldAlready: (_, { reads }) => !reads,
  postcondition: (_input, { reads, once }, { verify }) =>
    verify ?? { kind: once ? 'asked_once' : reads ? 'answers_again' : 'own_observation' },
  execute: (input, context, { reads, once }) =>
    answerOf(input, context, () => {
      if (!reads || once) context.begin()
    }).catch((error: unknown) => {
      if (nobodyListened(error)) context.nothingDone()
      throw error
    }),
  async again(input, context, first) {
    const { facts = {} } = await answerOf(input, context, () => undefined)
    const same = first.facts?.answer_sha256 === facts.answer_sha256
    const observed = `a second request gave ${same ? 'the same answer' : 'another answer, which moves'}`
    return { outcome: 'verified', same, observed, facts }
  },
  async compensate({ subject }, _context, { reads }) {
    if (reads) return readingOnly.compensate()
    throw new DeedError('not_undoable', `a request to ${subject} cannot be undone`)
  },
  targetState: async (_input, _context, { reads }) =>
    reads ? readingOnly.targetState() : { at: 'unknown', observed: 'what the request has changed is unknown' },
  environment: ({ target }, { config }) => config.targets[target]?.environment,
}

function isRead({ target: name, subject }: NatsRequest, { config: { targets } }: Pick<World, 'config'>): boolean {
  const target = Object.hasOwn(targets, name) ? targets[name] : undefined
  return target?.type === 'nats' && target.reads.includes(subject)
}

const answerOf = (
  { target, subject, payload }: NatsRequest,
  { world, action }: Context,
  beforeSend: () => void,
): Promise<Effect> =>
  atNats(world, target, async (nats) => {
    beforeSend()
    const bytes = await nats.request(subject, payload, action.timeout_ms)
    const answer = bytes.toString()
    return {
      claimed: `${subject} answered with ${counted(answer.length, 'character')}`,
      result: {
        text: answer === '' ? `${subject} answered` : answer.slice(0, TEXT_CHARS_MAX),
        data: { answer: answer.slice(0, TEXT_CHARS_MAX), truncated: answer.length > TEXT_CHARS_MAX },
      },
      facts: { answer_sha256: sha256(bytes) },
    }
  })
