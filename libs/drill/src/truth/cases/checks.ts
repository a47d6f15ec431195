/** Checks of addresses: servers that answer now and then, or not as is expected, and what people ask every day. */
import type { ExecutionReply } from '@deed/proto/execution'
import type { JsonObject } from '@deed/proto/json'
import type { Case, Place } from '../case.ts'

const check = (input: JsonObject) => ({ kind: 'http.check', input })
const statusOf = ({ result }: ExecutionReply): unknown => (result?.data as { status?: unknown } | undefined)?.status

/** What the address really does is what `status` says; a check that says something else has lied. */
const LIES: readonly [string, (place: Place) => JsonObject, unknown][] = [
  ['a server that answers 200 and 404 in turn is up', ({ key }) => ({ target: 'web', path: `/moves/${key}` }), 'never'],
  ['a server that hangs up is up', ({ key }) => ({ target: 'web', path: `/dies-on-look/${key}` }), null],
  ['what is not there answers 200', ({ key }) => ({ target: 'web', path: `/honest/${key}`, status: 200 }), 'never'],
  [
    'a server that hangs up answers 200',
    ({ key }) => ({ target: 'web', path: `/dies-on-look/${key}`, status: 200 }),
    'never',
  ],
  ['a local address is somebody outside', ({ web }) => ({ url: web.url }), 'never'],
  ['the address of metadata is somebody outside', () => ({ url: 'http://169.254.169.254/latest/' }), 'never'],
  ['a path leads to another host', () => ({ target: 'web', path: '//169.254.169.254/' }), 'never'],
]

const lies = LIES.map(
  ([says, inputOf, status]): Case => ({
    kind: 'http.check',
    says,
    make: (place) => ({ actions: [check(inputOf(place))], holds: (reply) => statusOf(reply) === status }),
  }),
)

const gone: Case = {
  kind: 'http.check',
  says: 'nobody listens, which is an answer',
  target: ({ port }) => ({ type: 'http', url: `http://127.0.0.1:${port}/` }),
  make: ({ name }) => ({ actions: [check({ target: name })], holds: (reply) => statusOf(reply) === null }),
}

const expectedGone: Case = {
  ...gone,
  says: 'nobody listens, and 200 is expected',
  make: ({ name }) => ({ actions: [check({ target: name, status: 200 })], holds: () => false }),
}

const ordinary: Case[] = [
  gone,
  ...[200, undefined].map(
    (status): Case => ({
      kind: 'http.check',
      says: `an item is there${status === undefined ? '' : ', as is expected'}`,
      make({ web, key }) {
        web.store(key, '{}')
        const input = { target: 'web', path: `/honest/${key}`, ...(status === undefined ? {} : { status }) }
        return { actions: [check(input)], holds: (reply) => statusOf(reply) === 200 }
      },
    }),
  ),
  {
    kind: 'http.check',
    says: 'what is not there answers 404, as is expected',
    make: ({ key }) => ({
      actions: [check({ target: 'web', path: `/honest/${key}`, status: 404 })],
      holds: (reply) => statusOf(reply) === 404,
    }),
  },
]

export const checks = { lies: [...lies, expectedGone], ordinary }
