/** Tools, lamps, people and waits: the answer is yes, and something else is done. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Json } from '@deed/proto/json'
import type { Case, Place } from '../case.ts'

const CALLS: readonly [string, string][] = [
  ['claim', 'a tool says that it kept a note, and did not'],
  ['claim_structured', 'a tool says so in structured content, and did not'],
  ['half', 'a tool keeps half of the note'],
  ['other_text', 'a tool keeps another text'],
  ['other_name', 'a tool keeps the note under another name'],
  ['back_again', 'a tool keeps the note and removes it again'],
  ['error_flag', 'a tool says that it failed'],
  ['error_words', 'a tool says that it failed, in words only'],
  ['cut', 'the line to a tool is cut'],
  ['garbage', 'a tool answers with broken JSON'],
  ['missing', 'a tool is not there'],
]
const noteSays = (key: string): Json => ({
  kind: 'http',
  target: 'notes',
  path: `/notes/${key}`,
  body_contains: 'some text',
})
const call = (tool: string, key: string, text = 'some text') => ({
  kind: 'mcp.call',
  input: { target: 'tools', tool, arguments: { name: key, text } },
  verify: noteSays(key),
  timeout_ms: 15_000,
})
const kept = ({ tools, key }: Place) => tools.note(key) === 'some text'

const toolLies: Case[] = [
  ...CALLS.map(
    ([tool, says]): Case => ({
      kind: 'mcp.call',
      says,
      make: (place) => ({
        actions: [call(tool, place.key)],
        holds: () => kept(place),
        world: () => place.tools.note(place.key) ?? 'none',
      }),
    }),
  ),
  ...(['keeps_and_errs', 'keeps_and_cuts', 'second_time'] as const).map(
    (tool): Case => ({
      kind: 'mcp.call',
      says: {
        keeps_and_errs: 'a tool keeps the note and says that it failed',
        keeps_and_cuts: 'a tool keeps the note and cuts the line',
        second_time: 'a tool keeps the note only when it is called again',
      }[tool],
      make: (place) => ({
        actions: [call(tool, place.key)],
        holds: () => kept(place),
        world: () => place.tools.note(place.key) ?? 'none',
      }),
    }),
  ),
  {
    kind: 'mcp.call',
    says: 'the tool that takes a note back says so and does not',
    make: (place) => ({
      actions: [call('keep_badly_undone', place.key)],
      holds: () => kept(place),
      world: () => place.tools.note(place.key) ?? 'none',
      undo: true,
    }),
  },
  {
    kind: 'mcp.call',
    says: 'a note was there before, is overwritten, and its undo removes it',
    make(place) {
      place.tools.put(place.key, 'old')
      return {
        actions: [call('keep', place.key)],
        holds: () => kept(place),
        world: () => place.tools.note(place.key) ?? 'none',
        undo: true,
      }
    },
  },
  {
    kind: 'mcp.call',
    says: 'a note was there before, and its undo puts another text in its place',
    make(place) {
      place.tools.put(place.key, 'old')
      return {
        actions: [call('keep_otherwise_undone', place.key)],
        holds: () => kept(place),
        world: () => place.tools.note(place.key) ?? 'none',
        undo: true,
      }
    },
  },
  {
    kind: 'mcp.call',
    says: 'somebody has changed the note since',
    make: (place) => ({
      actions: [call('keep', place.key)],
      holds: () => kept(place),
      world: () => place.tools.note(place.key) ?? 'none',
      undo: () => place.tools.put(place.key, 'mine, some text'),
    }),
  },
]

const toolOrdinary: Case[] = [
  {
    kind: 'mcp.call',
    says: 'a note is kept, and undone',
    make: (place) => ({
      actions: [call('keep', place.key)],
      holds: () => kept(place),
      world: () => place.tools.note(place.key) ?? 'none',
      undo: true,
    }),
  },
  {
    kind: 'mcp.call',
    says: 'a note is kept by a tool without an undo',
    make: (place) => ({ actions: [call('keep_undoless', place.key)], holds: () => kept(place) }),
  },
  {
    kind: 'mcp.call',
    says: 'a note is read',
    make(place) {
      place.tools.put(place.key, 'some text')
      return {
        actions: [{ kind: 'mcp.call', input: { target: 'tools', tool: 'read', arguments: { name: place.key } } }],
        holds: (reply) => JSON.stringify(reply.result).includes('some text'),
      }
    },
  },
]

const LAMPS: readonly [string, string, true?][] = [
  ['idle', 'a provider says that it switched the lamp, and did not'],
  ['opposite', 'a provider switches the lamp the other way'],
  ['reverts', 'a provider switches the lamp back before it answers'],
  ['fails', 'a provider says that the lamp is broken'],
  ['half', 'a provider switches the lamp and says that it failed'],
  ['deaf', 'a provider never answers'],
  ['undoless', 'a provider says that it switched the lamp back, and did not', true],
]

const lampLies: Case[] = LAMPS.flatMap(([manner, says, undo]) =>
  [true, false].map((on) => ({
    kind: 'lamp.switch',
    says: `${says} (${on ? 'on' : 'off'})`,
    make({ lamps, key }) {
      const lamp = `${manner}-${key}`
      lamps.put(lamp, !on)
      return {
        actions: [{ kind: 'lamp.switch', input: { lamp, on }, timeout_ms: 5_000 }],
        holds: () => lamps.is(lamp) === on,
        world: () => String(lamps.is(lamp)),
        ...(undo ? { undo } : {}),
      }
    },
  })),
)

const lampOrdinary: Case[] = [true, false].map((on) => ({
  kind: 'lamp.switch',
  says: `a lamp is switched ${on ? 'on' : 'off'}, and back`,
  make({ lamps, key }) {
    const lamp = `honest-${key}`
    lamps.put(lamp, !on)
    return {
      actions: [{ kind: 'lamp.switch', input: { lamp, on } }],
      holds: () => lamps.is(lamp) === on,
      world: () => String(lamps.is(lamp)),
      undo: true,
    }
  },
}))

const write = (name: string) => ({ kind: 'file.write', input: { path: name, content: 'x' } })
const waitFor = (observation: Json, within_ms = 600) => ({
  kind: 'wait.until',
  input: { observation, within_ms },
  timeout_ms: 15_000,
})

const WAITS: readonly [string, Json][] = [
  ['a file never comes', { kind: 'file', path: 'ready' }],
  ['a file comes empty', { kind: 'file', path: 'empty', contains: 'x' }],
  ['a file comes with another content', { kind: 'file', path: 'other', sha256: '0'.repeat(64) }],
  ['a file never goes', { kind: 'file', path: 'other', exists: false }],
  ['a folder is a file', { kind: 'dir', path: 'other' }],
  ['a server never answers with 200', { kind: 'http', target: 'web', path: '/honest/never' }],
  ['a server answers with other words', { kind: 'http', target: 'web', path: '/moves/never', body_contains: 'ready' }],
  ['nothing listens on the port', { kind: 'tcp', host: '127.0.0.1', port: 9 }],
  ['no row comes', { kind: 'sql', target: 'db', query: 'select 1 where false', rows_min: 1 }],
  ['a row has another value', { kind: 'sql', target: 'db', query: 'select 1', equals: 2 }],
  [
    'a big number differs in its last digit',
    { kind: 'sql', target: 'db', query: 'select 9007199254740993::bigint', equals: '9007199254740992' },
  ],
  [
    'one of two things comes',
    {
      kind: 'all',
      of: [
        { kind: 'file', path: 'other' },
        { kind: 'file', path: 'ready' },
      ],
    },
  ],
  [
    'neither of two things comes',
    {
      kind: 'any',
      of: [
        { kind: 'file', path: 'ready' },
        { kind: 'dir', path: 'other' },
      ],
    },
  ],
  ['what must not be is there', { kind: 'not', of: [{ kind: 'file', path: 'other' }] }],
  ['what cannot be observed counts as not there', { kind: 'not', of: [{ kind: 'http', target: 'nowhere' }] }],
]

const waits: Case[] = WAITS.map(([says, observation]) => ({
  kind: 'wait.until',
  says: `a wait ends, and ${says}`,
  make({ root }) {
    writeFileSync(join(root, 'empty'), '')
    writeFileSync(join(root, 'other'), 'other')
    return { actions: [waitFor(observation)], holds: () => false }
  },
}))

const waitsOrdinary: Case[] = [
  { says: 'what is so already', after: 0 },
  { says: 'a file that comes a moment later', after: 300 },
].map(({ says, after }) => ({
  kind: 'wait.until',
  says: `a wait for ${says}`,
  make: ({ root }) => ({
    actions: [waitFor({ kind: 'file', path: 'ready' }, 10_000)],
    holds: () => true,
    async during() {
      setTimeout(() => writeFileSync(join(root, 'ready'), 'x'), after)
    },
  }),
}))

const ask = { kind: 'human.task', input: { ask: 'check pump 3' } }
const people: { lies: Case[]; ordinary: Case[] } = {
  lies: [
    {
      kind: 'human.task',
      says: 'a person will not do it',
      make: (place) => ({ actions: [ask], holds: () => false, during: (id) => place.answer(id, 'deny') }),
    },
    {
      kind: 'human.task',
      says: 'a person will not do it, after a file was written',
      make: (place) => ({ actions: [write('a'), ask], holds: () => false, during: (id) => place.answer(id, 'deny') }),
    },
    {
      kind: 'human.task',
      says: 'nobody answers in time',
      make: () => ({
        actions: [{ kind: 'human.task', input: { ask: 'check', expires_in_ms: 1_000 } }],
        holds: () => false,
        async during() {},
      }),
    },
    {
      kind: 'human.task',
      says: 'a person says that a file is there, and it is not',
      make: (place) => ({
        actions: [{ ...ask, verify: { kind: 'file', path: 'seen' } }],
        holds: () => false,
        during: (id) => place.answer(id, 'provide', 'it is there'),
      }),
    },
  ],
  ordinary: [
    {
      kind: 'human.task',
      says: 'a person does it',
      make: (place) => ({
        actions: [ask],
        holds: (reply) => JSON.stringify(reply.verification).includes('the seals hold'),
        during: (id) => place.answer(id, 'provide', 'the seals hold'),
      }),
    },
    {
      kind: 'human.task',
      says: 'a person does it, then a file is written',
      make: (place) => ({
        actions: [ask, write('a')],
        holds: () => true,
        during: (id) => place.answer(id, 'provide', 'yes'),
        undo: true,
      }),
    },
  ],
}

export const answers = {
  lies: [...toolLies, ...lampLies, ...waits, ...people.lies],
  ordinary: [...toolOrdinary, ...lampOrdinary, ...waitsOrdinary, ...people.ordinary],
}
