/** Requests to servers that answer yes and do something else. */
import { defined, type Json, type JsonObject } from '@deed/proto/json'
import type { Case } from '../case.ts'

const BODY = '{"size":7}'
type Method = 'POST' | 'PUT' | 'PATCH' | 'DELETE'

const MANNERS: readonly [string, string, string?][] = [
  ['nothing', 'a server says 200 and stores nothing'],
  ['created-nothing', 'a server says 201 and stores nothing'],
  ['accepted-nothing', 'a server says 202, for later, and later never comes'],
  ['no-content', 'a server says 204 and stores nothing'],
  ['error-inside', 'a server says 200, and that it failed in the body'],
  ['html', 'a page to sign in is answered with 200'],
  ['empty', 'an empty answer comes with 200'],
  ['half', 'a server stores half of the body'],
  ['upper', 'a server stores the body in capitals'],
  ['blank', 'a server stores an empty body'],
  ['elsewhere', 'a server stores the body under another name'],
  ['reverts', 'a server stores the body and removes it before it answers'],
  ['cut-at-once', 'the line is cut before anything is stored'],
  ['500', 'a server says 500'],
  ['403', 'a server says 403'],
  ['409', 'a server says 409'],
  ['redirects', 'a server sends on to where nothing is'],
  ['gone', 'a server does not know the address'],
]

const request = (method: Method, path: string, body?: string): JsonObject => ({
  method,
  target: 'web',
  path,
  ...defined({ body }),
})
const looksLike = (path: string): Json => ({ kind: 'http', target: 'web', path, json: { path: 'size', equals: 7 } })

const httpLies = MANNERS.flatMap(([manner, says]) =>
  (['POST', 'PUT', 'PATCH'] as const).map(
    (method): Case => ({
      kind: 'http.request',
      says: `${method}: ${says}`,
      make: ({ web, key }) => ({
        actions: [
          {
            kind: 'http.request',
            input: request(method, `/${manner}/${key}`, BODY),
            verify: looksLike(`/honest/${key}`),
            timeout_ms: 15_000,
          },
        ],
        holds: () => web.stored(key) === BODY,
        world: () => web.stored(key) ?? 'nothing',
      }),
    }),
  ),
)

const deletes: Case[] = MANNERS.filter(([manner]) =>
  ['nothing', 'no-content', 'accepted-nothing', 'error-inside', '500', '409', 'cut-at-once', 'gone'].includes(manner),
).map(([manner, says]) => ({
  kind: 'http.request',
  says: `DELETE: ${says}`,
  make({ web, key }) {
    web.store(key, BODY)
    return {
      actions: [
        {
          kind: 'http.request',
          input: request('DELETE', `/${manner}/${key}`),
          verify: { kind: 'http', target: 'web', path: `/honest/${key}`, status: 404 },
          timeout_ms: 15_000,
        },
      ],
      holds: () => web.stored(key) === undefined,
      world: () => web.stored(key) ?? 'nothing',
    }
  },
}))

const readingLies: Case[] = [
  ['an answer moves between 200 and 404', 'moves'],
  ['the line is cut at each read', 'dies-on-look'],
].map(([says = '', manner]) => ({
  kind: 'http.request',
  says: `GET: ${says}`,
  make: ({ key }) => ({
    actions: [
      { kind: 'http.request', input: { method: 'GET', target: 'web', path: `/${manner}/${key}` }, timeout_ms: 15_000 },
    ],
    holds: () => false,
  }),
}))

/** Oddities that a request outlives: the effect is there in the end, once. */
const OUTLIVED: readonly [string, string][] = [
  ['honest', 'an item is stored'],
  ['created', 'an item is made, with 201'],
  ['silent', 'an item is stored, with 204'],
  ['accepted', 'an item is taken in, with 202'],
  ['late', 'an item is stored after a while'],
]

const httpOrdinary: Case[] = [
  ...OUTLIVED.flatMap(([manner, says]) =>
    (['POST', 'PUT', 'PATCH'] as const).map(
      (method): Case => ({
        kind: 'http.request',
        says: `${method}: ${says}`,
        make: ({ web, key }) => ({
          actions: [
            {
              kind: 'http.request',
              input: request(method, `/${manner}/${key}`, BODY),
              verify: looksLike(`/honest/${key}`),
            },
          ],
          holds: () => web.stored(key) === BODY && web.changesOf(key) === 1,
        }),
      }),
    ),
  ),
  {
    kind: 'http.request',
    says: 'DELETE: an item is removed',
    make({ web, key }) {
      web.store(key, BODY)
      return {
        actions: [
          {
            kind: 'http.request',
            input: request('DELETE', `/honest/${key}`),
            verify: { kind: 'http', target: 'web', path: `/honest/${key}`, status: 404 },
          },
        ],
        holds: () => web.stored(key) === undefined,
      }
    },
  },
  ...(['GET', 'HEAD'] as const).map(
    (method): Case => ({
      kind: 'http.request',
      says: `${method}: an item is read`,
      make({ web, key }) {
        web.store(key, BODY)
        return {
          actions: [{ kind: 'http.request', input: { method, target: 'web', path: `/honest/${key}` } }],
          holds: (reply) => method === 'HEAD' || JSON.stringify(reply.result).includes('size'),
        }
      },
    }),
  ),
  {
    kind: 'http.request',
    says: 'GET: what is not there is answered 404, which is an answer',
    make: ({ key }) => ({
      actions: [{ kind: 'http.request', input: { method: 'GET', target: 'web', path: `/honest/${key}` } }],
      holds: (reply) => JSON.stringify(reply.result).includes('404'),
    }),
  },
]

export const http = { lies: [...httpLies, ...deletes, ...readingLies], ordinary: httpOrdinary }
