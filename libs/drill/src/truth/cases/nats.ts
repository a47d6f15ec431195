/** NATS: subjects that nobody keeps, streams that drop, and services that answer and do nothing. */

import type { JsonObject } from '@deed/proto/json'
import type { RetentionPolicy, StorageType, StreamConfig } from 'nats'
import type { Case, Place } from '../case.ts'

interface StoredMessage {
  payload: string
  sequence: number
}

async function keep({ nats, key }: Place, config: Partial<StreamConfig> = {}): Promise<void> {
  const manager = await nats.connection.jetstreamManager()
  const storage = 'file' as StorageType
  await manager.streams.add({
    name: key,
    subjects: [`${key}.>`],
    storage,
    retention: 'limits' as RetentionPolicy,
    ...config,
  })
}

/** The messages that the stream really has. */
async function messagesOf({ nats, key }: Place): Promise<StoredMessage[]> {
  const manager = await nats.connection.jetstreamManager()
  const { state } = await manager.streams.info(key)
  const found: StoredMessage[] = []
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage(key, { seq }).catch(() => undefined)
    if (message) found.push({ payload: new TextDecoder().decode(message.data), sequence: seq })
  }
  return found
}

const publish = (key: string, payload: string, more: JsonObject = {}) => ({
  kind: 'nats.publish',
  input: { target: 'factory', subject: `${key}.new`, payload, stream: key, ...more },
  timeout_ms: 10_000,
})
const isStored = async (place: Place, payload: string): Promise<boolean> =>
  (await messagesOf(place)).filter((one) => one.payload === payload).length === 1

const PUBLISHES: readonly [string, Partial<StreamConfig> | undefined, JsonObject?][] = [
  ['there is no stream of the name', undefined],
  ['the stream keeps other subjects', { subjects: ['other.>'] }],
  ['the stream is full and takes nothing new', { max_msgs: 1, discard: 'new' as never }],
  ['the stream takes smaller messages only', { max_msg_size: 4 }],
  ['the stream is sealed', { sealed: true }],
  ['another stream keeps the subject', {}, { stream: 'SOMEWHERE' }],
  ['the subject has one word too many', { subjects: ['exact'] }],
]

const publishLies: Case[] = PUBLISHES.map(([says, config, more]) => ({
  kind: 'nats.publish',
  says: `a message is published, and ${says}`,
  async make(place) {
    const { key, nats } = place
    if (config) {
      const subjects = config.subjects?.map((subject) => `${key}x.${subject}`)
      await keep(place, { ...config, ...(subjects ? { subjects } : {}), sealed: false })
      const js = nats.connection.jetstream()
      if (config.max_msgs) await js.publish(`${key}.old`, 'old')
      if (config.sealed)
        await (await nats.connection.jetstreamManager()).streams.update(key, { sealed: true } as object)
    }
    return {
      actions: [publish(key, 'a message', more)],
      holds: async () => config !== undefined && (await isStored(place, 'a message')),
      world: () => '',
    }
  },
}))

const GONE: readonly [string, (place: Place) => Promise<unknown>][] = [
  [
    'somebody purges the stream at once',
    async ({ nats, key }) => (await nats.connection.jetstreamManager()).streams.purge(key),
  ],
  [
    'somebody removes the message at once',
    async ({ nats, key }) => (await nats.connection.jetstreamManager()).streams.deleteMessage(key, 1),
  ],
  [
    'somebody removes the stream at once',
    async ({ nats, key }) => (await nats.connection.jetstreamManager()).streams.delete(key),
  ],
]

const gone: Case[] = GONE.map(([says, act]) => ({
  kind: 'nats.publish',
  says,
  async make(place) {
    await keep(place)
    let last: number | undefined
    const subscription = place.nats.connection.subscribe(`${place.key}.new`, {
      callback: () =>
        void (async () => {
          // The stream has it a moment after the subscribers do.
          for (let tries = 0; tries < 50 && (await messagesOf(place)).length === 0; tries++);
          await act(place)
          last = Date.now()
          subscription.unsubscribe()
        })().catch(() => undefined),
    })
    await place.nats.connection.flush()
    return {
      actions: [publish(place.key, 'a message')],
      holds: () => isStored(place, 'a message').catch(() => false),
      world: () => '',
      meddling: { at: async () => last },
    }
  },
}))

/** A service that answers each request in its manner; `does`: the press has really started. */
const SERVICES: readonly [string, string | undefined, boolean][] = [
  ['a service answers "ok" and does nothing', 'ok', false],
  ['a service answers that it started, in JSON, and did not', '{"started":true}', false],
  ['a service answers with an error', '{"error":"no oil"}', false],
  ['a service answers with nothing, and does nothing', '', false],
  ['nobody answers', undefined, false],
]

const pressed = (key: string) => ({ kind: 'http', target: 'web', path: `/honest/${key}` })
const press = (key: string, timeout_ms: number) => ({
  kind: 'nats.request',
  input: { target: 'factory', subject: `press.${key}`, payload: '{"press":3}' },
  verify: pressed(key),
  timeout_ms,
})

function serve({ nats, key, web }: Place, answer: string | undefined, does: boolean): void {
  if (answer === undefined) return
  nats.connection.subscribe(`press.${key}`, {
    callback(_, message) {
      if (does) web.store(key, 'started')
      message.respond(answer)
    },
  })
}

const requestCase = ([says, answer, does]: (typeof SERVICES)[number]): Case => ({
  kind: 'nats.request',
  says,
  async make(place) {
    serve(place, answer, does)
    await place.nats.connection.flush()
    return {
      actions: [press(place.key, answer === undefined ? 5_000 : 30_000)],
      holds: () => place.web.stored(place.key) === 'started',
    }
  },
})

const PAYLOADS: readonly [string, string][] = [
  ['JSON', '{"id":7}'],
  ['a text in several scripts', 'äöü 漢字 🙂'],
  ['an empty message', ''],
  ['a message of a hundred kilobytes', 'x'.repeat(100_000)],
  ['a big number', '{"id":9007199254740993}'],
]

export const natsCases = {
  lies: [...publishLies, ...gone, ...SERVICES.map(requestCase)],
  ordinary: [
    ...PAYLOADS.map(
      ([says, payload]): Case => ({
        kind: 'nats.publish',
        says: `${says} is published to a stream`,
        async make(place) {
          await keep(place)
          return { actions: [publish(place.key, payload)], holds: () => isStored(place, payload) }
        },
      }),
    ),
    requestCase(['a service starts the press and answers', 'ok', true]),
    requestCase(['a service starts the press and answers in JSON', '{"started":true}', true]),
    requestCase(['a service starts the press and answers with nothing', '', true]),
  ],
}
