// Tries every subject as every user on a real nats-server, and compares the result with proto's table.
import { CONTRACTS } from '@deed/proto/contracts'
import { SUBMIT_SUBJECT } from '@deed/proto/execution'
import { MANIFEST_BUCKET } from '@deed/proto/manifest'
import { ORG_STREAM } from '@deed/proto/organization'
import {
  CALLERS,
  type Caller,
  callerPermissions,
  heardBy,
  MESH_PERMISSIONS,
  type Permissions,
  ROLE_VERBS,
} from '@deed/proto/permissions'
import { connect, type NatsConnection } from 'nats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EmbeddedNats, NATS_USERS, type NatsUser, startNats } from './nats.ts'
import { temporaryFolder } from './temporary-folder.ts'

const opened = new AsyncDisposableStack()
let nats: EmbeddedNats
let inside: NatsConnection
/** Messages that arrived in the mesh's account: their text and subject. */
const arrived: { text: string; subject: string }[] = []

beforeAll(async () => {
  const folder = opened.use(temporaryFolder())
  nats = opened.use(await startNats({ dataDir: folder.path }))
  inside = await enter('deed')
  inside.subscribe('>', { callback: (_, msg) => void arrived.push({ text: msg.string(), subject: msg.subject }) })
  await inside.flush()
})
afterAll(() => opened.disposeAsync())

async function enter(user: NatsUser): Promise<NatsConnection> {
  const nc = await connect({ servers: nats.url, ...nats.credentials(user) })
  opened.defer(() => nc.close())
  return nc
}

const PRINCIPALS = [
  ...['local.user', 'local.approver', 'acme.user', 'mesh.executor', 'mesh.hybrid-agent'],
  ...['local.ceo', 'acme.ceo', 'local.test_lead'],
]
const STREAMS = [
  'WORK',
  'EXECUTION_INTAKE_local',
  'EXECUTION_INTAKE_acme',
  `OBJ_${MANIFEST_BUCKET}`,
  ORG_STREAM,
  'OTHER',
]
const CONSUMERS = ['orchestrator', 'executor', 'hybrid-agent', 'other']

/** The whole API of JetStream, as its subjects are in nats-server 2.14. */
const JETSTREAM = [
  ...['INFO', 'ACCOUNT.PURGE.DEED', 'STREAM.NAMES', 'STREAM.LIST', 'SERVER.REMOVE', 'META.LEADER.STEPDOWN'],
  ...STREAMS.flatMap((stream) => [
    ...['CREATE', 'UPDATE', 'INFO', 'DELETE', 'PURGE', 'SNAPSHOT', 'RESTORE', 'MSG.GET', 'MSG.DELETE'].map(
      (verb) => `STREAM.${verb}.${stream}`,
    ),
    ...['PEER.REMOVE', 'LEADER.STEPDOWN', 'TEMPLATE.CREATE'].map((verb) => `STREAM.${verb}.${stream}`),
    `DIRECT.GET.${stream}`,
    `DIRECT.GET.${stream}.work.act.local`,
    ...['CREATE', 'NAMES', 'LIST'].map((verb) => `CONSUMER.${verb}.${stream}`),
    ...CONSUMERS.flatMap((consumer) => [
      ...['CREATE', 'INFO', 'DELETE', 'PAUSE', 'RESET', 'UNPIN', 'LEADER.STEPDOWN', 'MSG.NEXT'].map(
        (verb) => `CONSUMER.${verb}.${stream}.${consumer}`,
      ),
      `CONSUMER.DURABLE.CREATE.${stream}.${consumer}`,
      `CONSUMER.CREATE.${stream}.${consumer}.work.act.local`,
    ]),
  ]),
].map((subject) => `$JS.API.${subject}`)

const SERVER = [
  ...STREAMS.flatMap((stream) => [
    ...CONSUMERS.map((consumer) => `$JS.ACK.${stream}.${consumer}.1.1.1.1.0`),
    ...CONSUMERS.map((consumer) => `$JS.ACK._.hash.${stream}.${consumer}.1.1.1.1.0.x`),
    `$JS.FC.${stream}.other.x`,
  ]),
  `$O.${MANIFEST_BUCKET}.C.x`,
  `$O.${MANIFEST_BUCKET}.M.x`,
  ...['$O.OTHER.M.x', '$KV.OTHER.key', '$JS.EVENT.ADVISORY.STREAM.CREATED.WORK', '$JS.DEED.API.INFO'],
  ...[
    'PING',
    'PING.VARZ',
    'ACCOUNT.DEED.CONNZ',
    'ACCOUNT.DEED.JSZ',
    'SERVER.PING.KICK',
    'USER.INFO',
    'CLAIMS.UPDATE',
  ].map((verb) => `$SYS.REQ.${verb}`),
  ...['$SYS.ACCOUNT.DEED.CONNECT', '$SYS.SERVER.x.SHUTDOWN', '$SYS._INBOX.x', '$SYS.DEBUG.SUBSCRIBERS'],
  ...['PING', 'INFO', 'STATS'].flatMap((verb) => [`$SRV.${verb}`, `$SRV.${verb}.executor`, `$SRV.${verb}.executor.x`]),
  ...['_R_.x.y', '_INBOX.x', ...NATS_USERS.map((user) => `_INBOX_${user}.x`)],
]

const EVENTS = ['local', 'acme'].flatMap((tenant) =>
  ['no-orchestrator', 'orchestrator-back', 'approval-wanted']
    .map((name) => `alerts.${tenant}.${name}`)
    .concat(`event.execution.${tenant}.1`, `decisions.${tenant}.new`, `messages.${tenant}.ceo`),
)

const BASES = [...CONTRACTS.filter(({ type }) => type !== 'event').map(({ subject }) => subject), SUBMIT_SUBJECT].map(
  (subject) => subject.replace('*', 'lamp-switch'),
)
/** Subjects to publish to. */
const SUBJECTS = [
  ...BASES.flatMap((base) => [base, `${base}.local`, ...PRINCIPALS.map((principal) => `${base}.${principal}`)]),
  ...BASES.map((base) => `cancelled.${base}`),
  ...EVENTS,
  ...JETSTREAM,
  ...SERVER,
  ...['mark.of.the.test', 'no.such.subject'],
]
/** Subjects to subscribe to only. */
const WILDCARDS = [
  ...['>', '*', '*.>', '*.*', '*.*.*.*', '$JS.>', '$JS.API.>', '$SYS.>', '$SRV.>', '$O.>', '_R_.>', '_INBOX.>'],
  ...NATS_USERS.map((user) => `_INBOX_${user}.>`),
  ...[...new Set(BASES.map((base) => `${base.split('.')[0]}.>`))],
  ...BASES.flatMap((base) => [
    `${base}.>`,
    `${base}.*.*`,
    `${base}.*.approver`,
    `*.${base.split('.').slice(1).join('.')}`,
  ]),
  ...['event.>', 'event.execution.>', 'event.execution.*.*', 'alerts.>', 'alerts.*.no-orchestrator'],
]

/** Whether a pattern covers all of a subject. */
function covers(pattern: string, subject: string): boolean {
  const wanted = pattern.split('.')
  const given = subject.split('.')
  for (const [index, token] of wanted.entries()) {
    if (token === '>') return given.length > index
    // As the server evaluates a subscription: its `>` is one token, which `*` covers.
    if (given[index] === undefined || (token !== '*' && token !== given[index])) return false
  }
  return wanted.length === given.length
}
const listed = (patterns: readonly string[], subject: string): boolean =>
  patterns.some((pattern) => covers(pattern, subject))

const callerOf = (user: NatsUser): Caller | undefined => CALLERS.find(({ name }) => name === user)
const tableOf = (user: NatsUser): Permissions => {
  const caller = callerOf(user)
  return caller ? callerPermissions(caller) : MESH_PERMISSIONS[user as keyof typeof MESH_PERMISSIONS]
}

/** The attempts that the server refused. */
async function refusedOf(
  user: NatsUser,
  operation: 'publish' | 'subscribe',
  subjects: readonly string[],
): Promise<Set<string>> {
  const nc = await enter(user)
  const refused = new Set<string>()
  void (async () => {
    for await (const { permissionContext: context } of nc.status())
      if (context?.operation === 'publish') refused.add(context.subject)
  })()
  for (const subject of subjects) {
    if (operation === 'publish') nc.publish(subject, `${user} to ${subject}`)
    else nc.subscribe(subject, { callback: (error) => void (error && refused.add(subject)) })
  }
  // Refusals arrive before the answer to this.
  await nc.flush()
  await new Promise((resolve) => setImmediate(resolve))
  await nc.close()
  return refused
}

const printed: string[] = []
afterAll(() => console.log(['user                operation  tried  allowed  refused', ...printed].join('\n')))

describe('the server allows exactly what the table says', () => {
  it.each(
    // The operator may delete the streams, so it comes last.
    [...NATS_USERS]
      .sort((a, b) => Number(a === 'deed') - Number(b === 'deed'))
      .flatMap((user) => (['publish', 'subscribe'] as const).map((operation) => [user, operation] as const)),
  )('%s: %s', async (user, operation) => {
    const tried = operation === 'publish' ? SUBJECTS : [...new Set([...SUBJECTS, ...WILDCARDS])]
    const refused = await refusedOf(user, operation, tried)
    const allowed = tableOf(user)[operation]
    const wrong = tried.filter((subject) => refused.has(subject) === listed(allowed, subject))
    printed.push(
      `${user.padEnd(20)}${operation.padEnd(10)}${String(tried.length).padStart(6)}${String(tried.length - refused.size).padStart(9)}${String(refused.size).padStart(9)}`,
    )
    expect(wrong).toEqual([])
  })
})

describe.each(CALLERS)('the account of $name', (caller) => {
  const { name, role, tenant, user } = caller

  it('reaches the verbs of its role in its own name, the micro protocol, and nothing else', async () => {
    const nc = await enter(name)
    arrived.length = 0
    for (const subject of SUBJECTS) nc.publish(subject, `from ${name} to ${subject}`, { reply: '_INBOX.x' })
    await nc.flush()
    await inside.flush()
    const reached = new Set(
      arrived.filter(({ text }) => text.startsWith(`from ${name} `)).map(({ text, subject }) => `${text}: ${subject}`),
    )
    const expected = SUBJECTS.flatMap((subject) => {
      const verb = ROLE_VERBS[role].find((one) => subject === one || subject === `${one}.${tenant}.${user}`)
      const as = verb === undefined ? (subject.startsWith('$SRV.') ? subject : undefined) : `${verb}.${tenant}.${user}`
      return as === undefined ? [] : [`from ${name} to ${subject}: ${as}`]
    })
    expect(reached).toEqual(new Set(expected))
  })

  it('receives the events and alerts of its tenant, and nothing else', async () => {
    const nc = await enter(name)
    const heard: string[] = []
    for (const subject of callerPermissions(caller).subscribe)
      nc.subscribe(subject, { callback: (_, msg) => void heard.push(msg.subject) })
    await nc.flush()
    for (const subject of SUBJECTS.filter((one) => !one.startsWith('$JS.API.') && !one.startsWith('$SYS.')))
      inside.publish(subject)
    await inside.flush()
    await nc.flush()
    expect(new Set(heard)).toEqual(new Set(SUBJECTS.filter((subject) => listed(heardBy(caller), subject))))
    expect(heard.length).toBeGreaterThan(0)
  })
})
