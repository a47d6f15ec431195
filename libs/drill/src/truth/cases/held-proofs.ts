/** Proofs of the caller's that hold before anything is done, and so cannot tell whether it was. */
import type { Json } from '@deed/proto/json'
import type { Case, Place } from '../case.ts'

const WISHES = [undefined, 'run'] as const
const alreadySo = (wish: (typeof WISHES)[number]) => (wish ? { already_so: wish } : {})
const words = (wish: (typeof WISHES)[number]): string => (wish ? ' (already_so: run)' : '')

/** What is there all the time. */
function well({ web, key }: Place): Json {
  web.store(`${key}-well`, '{"up":true}')
  return { kind: 'http', target: 'web', path: `/honest/${key}-well` }
}

const requests = WISHES.flatMap((wish) =>
  (['POST', 'PUT', 'PATCH', 'DELETE'] as const).map(
    (method): Case => ({
      kind: 'http.request',
      says: `${method}: a server does nothing, and the proof reads what is well all the time${words(wish)}`,
      make(place) {
        const { web, key } = place
        if (method === 'DELETE') web.store(key, 'there')
        const input = { method, target: 'web', path: `/nothing/${key}`, ...(method === 'DELETE' ? {} : { body: 'x' }) }
        return {
          actions: [{ kind: 'http.request', input, verify: well(place), ...alreadySo(wish) }],
          holds: () => web.stored(key) === (method === 'DELETE' ? undefined : 'x'),
          world: () => web.stored(key) ?? 'nothing',
        }
      },
    }),
  ),
)

const gone: Case = {
  kind: 'http.request',
  says: 'DELETE: the proof reads another address, which is not there',
  make: ({ web, key }) => {
    web.store(key, 'there')
    return {
      actions: [
        {
          kind: 'http.request',
          input: { method: 'DELETE', target: 'web', path: `/nothing/${key}` },
          verify: { kind: 'http', target: 'web', path: `/honest/${key}-other`, status: 404 },
        },
      ],
      holds: () => web.stored(key) === undefined,
      world: () => web.stored(key) ?? 'nothing',
    }
  },
}

const messages = WISHES.flatMap((wish): Case[] => [
  {
    kind: 'nats.request',
    says: `a service answers "ok" and does nothing, and the proof reads what is well all the time${words(wish)}`,
    async make(place) {
      const { nats, key, web } = place
      nats.connection.subscribe(`idle.${key}`, { callback: (_, message) => void message.respond('ok') })
      await nats.connection.flush()
      return {
        actions: [
          {
            kind: 'nats.request',
            input: { target: 'factory', subject: `idle.${key}`, payload: '3' },
            verify: well(place),
            ...alreadySo(wish),
          },
        ],
        holds: () => web.stored(key) === 'started',
      }
    },
  },
  {
    kind: 'nats.publish',
    says: `nobody listens, no stream keeps the message, and the proof reads what is well all the time${words(wish)}`,
    make(place) {
      const input = { target: 'factory', subject: `nobody.${place.key}`, payload: 'x' }
      return {
        actions: [{ kind: 'nats.publish', input, verify: well(place), ...alreadySo(wish) }],
        holds: () => false,
      }
    },
  },
  {
    kind: 'mcp.call',
    says: `a tool says that it kept a note, and did not, and the proof reads what is well all the time${words(wish)}`,
    make(place) {
      const { tools, key } = place
      const input = { target: 'tools', tool: 'claim', arguments: { name: key, text: 'some text' } }
      return {
        actions: [{ kind: 'mcp.call', input, verify: well(place), ...alreadySo(wish) }],
        holds: () => tools.note(key) === 'some text',
        world: () => tools.note(key) ?? 'none',
      }
    },
  },
])

const commands = [
  ['fails', 'exit 3'],
  ['is killed', 'kill -9 $$'],
  ['finds no file', 'cat missing'],
].map(
  ([says, script]): Case => ({
    kind: 'command.run',
    says: `a command ${says}, and what its proof asks for was there before`,
    make(place) {
      const verify = well(place)
      return {
        actions: [{ kind: 'command.run', input: { argv: ['sh', '-c', script!] }, verify }],
        holds: () => false,
      }
    },
  }),
)

/** What is so already is ordinary where the kind sees it by itself, or the caller says that it is enough. */
const ordinary: Case[] = [
  {
    kind: 'http.request',
    says: 'DELETE: an item that is gone already',
    make: ({ web, key }) => ({
      actions: [
        {
          kind: 'http.request',
          input: { method: 'DELETE', target: 'web', path: `/honest/${key}` },
          verify: { kind: 'http', target: 'web', path: `/honest/${key}`, status: 404 },
        },
      ],
      holds: () => web.changesOf(key) === 0,
    }),
  },
  {
    kind: 'http.request',
    says: 'PUT: an item that is so already, which is said to be enough',
    make({ web, key }) {
      web.store(key, '{"size":7}')
      return {
        actions: [
          {
            kind: 'http.request',
            input: { method: 'PUT', target: 'web', path: `/honest/${key}`, body: '{"size":7}' },
            verify: { kind: 'http', target: 'web', path: `/honest/${key}`, json: { path: 'size', equals: 7 } },
            already_so: 'skip',
          },
        ],
        holds: () => web.stored(key) === '{"size":7}' && web.changesOf(key) === 0,
      }
    },
  },
  {
    kind: 'command.run',
    says: 'a command is run twice, and its folder is there at the second time',
    make() {
      const action = {
        kind: 'command.run',
        input: { argv: ['mkdir', '-p', 'made'] },
        verify: { kind: 'dir', path: 'made' },
      }
      return { actions: [action, action], holds: () => true, undo: true }
    },
  },
]

export const heldProofs = { lies: [...requests, gone, ...messages, ...commands], ordinary }
