/**
 * The accounts of the NATS server, derived from the table of permissions: the mesh has one, each caller has one.
 *
 * The mesh exports each verb once per caller, as `<verb>.<tenant>.<user>`, and only that caller's account may import
 * it. The caller uses the bare verb, and the server inserts tenant and name. The server publishes what it sends back
 * (answers, acknowledgements of streams) in the caller's account, whatever reply subject the caller chose.
 */
import {
  type Caller,
  callerPermissions,
  heardBy,
  MESH_PERMISSIONS,
  MICRO,
  type Permissions,
  ROLE_VERBS,
} from './permissions.ts'

export interface Account {
  readonly name: string
  readonly jetstream: boolean
  readonly users: readonly { name: string; permissions: Permissions }[]
  readonly exports: readonly Export[]
  readonly imports: readonly Import[]
}

/** A subject that an account exports, and the accounts that may import it. */
export interface Export {
  readonly type: 'service' | 'stream'
  readonly subject: string
  readonly accounts: readonly string[]
  /** For a service: several answers to one request. */
  readonly manyAnswers?: true
}

/** A subject that an account imports from the mesh; `as` is its local name. */
export interface Import {
  readonly type: 'service' | 'stream'
  readonly subject: string
  readonly as: string
}

export const MESH_ACCOUNT = 'DEED'

/** All accounts of a server with these callers. */
export function accountsOf(callers: readonly Caller[]): Account[] {
  return [
    {
      name: MESH_ACCOUNT,
      jetstream: true,
      users: Object.entries(MESH_PERMISSIONS).map(([name, permissions]) => ({ name, permissions })),
      exports: exportsTo(callers),
      imports: [],
    },
    ...callers.map((caller) => ({
      name: caller.name,
      jetstream: false,
      users: [{ name: caller.name, permissions: callerPermissions(caller) }],
      exports: [],
      imports: importsOf(caller),
    })),
  ]
}

/** An account whose user can read the server's status, and nothing else. */
export const systemAccount = (user: string): Account => ({
  name: '$SYS',
  jetstream: false,
  users: [
    {
      name: user,
      permissions: {
        publish: ['$SYS.REQ.SERVER.*.VARZ', '$SYS.REQ.SERVER.*.HEALTHZ'],
        subscribe: ['_INBOX.>'],
      },
    },
  ],
  exports: [],
  imports: [],
})

function exportsTo(callers: readonly Caller[]): Export[] {
  const streams = new Map<string, string[]>()
  for (const caller of callers) {
    for (const subject of heardBy(caller)) streams.set(subject, [...(streams.get(subject) ?? []), caller.name])
  }
  return [
    ...callers.flatMap(({ name, role, tenant, user }) =>
      ROLE_VERBS[role].map(
        (verb): Export => ({ type: 'service', subject: `${verb}.${tenant}.${user}`, accounts: [name] }),
      ),
    ),
    { type: 'service', subject: MICRO, accounts: callers.map(({ name }) => name), manyAnswers: true },
    ...[...streams].map(([subject, accounts]): Export => ({ type: 'stream', subject, accounts })),
  ]
}

function importsOf(caller: Caller): Import[] {
  const { role, tenant, user } = caller
  return [
    ...ROLE_VERBS[role].flatMap((verb): Import[] => {
      const subject = `${verb}.${tenant}.${user}`
      return [verb, subject].map((as) => ({ type: 'service', subject, as }))
    }),
    { type: 'service', subject: MICRO, as: MICRO },
    ...heardBy(caller).map((subject): Import => ({ type: 'stream', subject, as: subject })),
  ]
}
