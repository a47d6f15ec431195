/**
 * Who may say what on the bus: one NATS user per service and per kind of caller, deny by default.
 *
 * Identity is in the subject: a caller's verbs end in its tenant and user, and it may publish under no others. The bare
 * verbs are the principal `local.user`. Every user reads replies below an inbox prefix of its own, so nobody reads
 * another's.
 */

import { SERVICES } from './services.ts'

export type NatsUser = (typeof NATS_USERS)[number]
export const NATS_USERS = [...SERVICES, 'provider', 'bootstrap', 'client', 'approver', 'deed'] as const

/** Subject patterns; what is not listed is refused. Replies to messages received need no entry. */
export interface Permissions {
  publish: readonly string[]
  subscribe: readonly string[]
}

/** The principals behind the callers' users: who asks for a thing cannot approve it too. */
const PRINCIPAL = { client: 'local.user', approver: 'local.approver' } as const

/** In whose name a NATS user may ask, as tenant and user in one; undefined: in that of the bare verbs. */
export const principalOf = (natsUser: string | undefined): string | undefined =>
  natsUser === 'approver' ? PRINCIPAL.approver : undefined

const CLIENT_VERBS = [
  ...[
    'request',
    'submit',
    'get',
    'list',
    'watch',
    'stats',
    'cancel',
    'retry',
    'pause',
    'resume',
    'rollback',
    'bulk',
  ].map((verb) => `execution.${verb}`),
  'task.list',
  'action.kinds',
  'audit.verify',
  'audit.export',
  ...['put', 'list', 'delete', 'pause', 'resume'].flatMap((verb) => [`goal.${verb}`, `schedule.${verb}`]),
]

/** The bucket of the local tenant's manifests; another tenant's users get their own. */
const MANIFESTS = 'MANIFESTS_local'

/** PING, INFO and STATS of the micro protocol. */
const MICRO = '$SRV.>'

/** Said by whoever has heartbeats to be answered, since those that tell of all else are gone then. */
const NO_ORCHESTRATOR = 'alerts.no-orchestrator'
const SILENCE = [NO_ORCHESTRATOR, 'alerts.orchestrator-back']

/** Whose caller has given up; it says so by the inbox of the answer, which nobody else knows. */
const CANCELLED = 'cancelled.>'

export const PERMISSIONS: Record<NatsUser, Permissions> = {
  orchestrator: {
    publish: [
      CANCELLED,
      'cache.>',
      ...verbs('template.select', 'template.get', 'template.record'),
      ...verbs('task.decompose', 'agent.process', 'action.inspect', 'action.standing', 'action.forget'),
      'work.>',
      'event.execution.>',
      'alerts.>',
      ...consume('*', 'orchestrator'),
      // WORK lives in memory, and whoever finds it missing makes it again.
      '$JS.API.INFO',
      '$JS.API.STREAM.*.WORK',
      '$JS.API.CONSUMER.*.WORK.>',
      ...takeObjects(MANIFESTS),
      // Which tenants have an intake stream, and how much waits in it.
      '$JS.API.STREAM.NAMES',
      '$JS.API.STREAM.INFO.*',
      // A replica that did not receive a request may be the one to answer it.
      ...['_INBOX.>', inbox('client'), inbox('approver'), inbox('console'), inbox('mcp'), inbox('deed')],
    ],
    subscribe: [
      ...each('doctor.orchestrator'),
      ...['execution.>', 'approval.>', 'grant.>', 'goal.>', 'schedule.>', 'audit.>'],
      // One of the replicas delivers what any service raises.
      'alerts.>',
      ...verbs('task.report', 'task.list', 'worker.heartbeat'),
      ...[MICRO, CANCELLED, inbox('orchestrator')],
    ],
  },
  'template-optimizer': { publish: [], subscribe: ['template.>', MICRO, CANCELLED, inbox('template-optimizer')] },
  'task-decomposer': {
    publish: [],
    subscribe: [...verbs('task.decompose'), MICRO, CANCELLED, inbox('task-decomposer')],
  },
  'hybrid-agent': {
    publish: [
      CANCELLED,
      ...verbs('cache.get', 'task.report', 'worker.heartbeat'),
      ...SILENCE,
      ...consume('WORK', 'hybrid-agent'),
    ],
    subscribe: [
      ...verbs('agent.process', 'analyze.codebase', 'code.search'),
      ...each('doctor.agent'),
      NO_ORCHESTRATOR,
      MICRO,
      CANCELLED,
      inbox('hybrid-agent'),
    ],
  },
  executor: {
    publish: [
      CANCELLED,
      ...verbs('task.report', 'worker.heartbeat'),
      ...verbs('action.*.execute', 'action.*.observe', 'action.*.compensate'),
      ...SILENCE,
      ...consume('WORK', 'executor'),
    ],
    subscribe: [
      ...verbs('action.inspect', 'action.standing', 'action.kinds', 'action.forget'),
      ...each('doctor.executor'),
      NO_ORCHESTRATOR,
      MICRO,
      CANCELLED,
      inbox('executor'),
    ],
  },
  'semantic-cache': { publish: [], subscribe: ['cache.>', MICRO, CANCELLED, inbox('semantic-cache')] },
  /** A program that provides kinds of action; an operator may give each one a user for its own kind alone. */
  provider: {
    publish: [],
    subscribe: [
      ...verbs('action.*.execute', 'action.*.observe', 'action.*.compensate'),
      ...[MICRO, CANCELLED, inbox('provider')],
    ],
  },
  /** A job that makes the intake streams and leaves. */
  bootstrap: { publish: ['$JS.API.>'], subscribe: [inbox('bootstrap')] },
  client: {
    publish: [CANCELLED, ...CLIENT_VERBS, ...verbsOf(PRINCIPAL.client), ...putObjects(MANIFESTS)],
    // A plain client, which sets no prefix, gets its replies below `_INBOX`.
    subscribe: [inbox('client'), '_INBOX.>', 'event.execution.>', 'alerts.>'],
  },
  approver: {
    publish: [
      CANCELLED,
      ...verbsOf(PRINCIPAL.approver),
      ...['approval.list', 'approval.decide', 'approval.batch', 'grant.put', 'grant.list', 'grant.delete'].map(
        (verb) => `${verb}.${PRINCIPAL.approver}`,
      ),
    ],
    subscribe: [inbox('approver'), 'event.execution.>', 'alerts.>'],
  },
  /** The operator at the machine itself, and the tests. */
  deed: { publish: ['>'], subscribe: ['>'] },
}

/** The prefix to connect with, so that replies arrive where the user may read. */
export function inboxPrefix(user: string): string {
  return `_INBOX_${user}`
}

/** The permissions as nats-server reads them in its configuration. */
export function natsPermissions({ publish, subscribe }: Permissions): string {
  const list = (subjects: readonly string[]) =>
    subjects.length > 0 ? `{ allow: ${JSON.stringify(subjects)} }` : '{ deny: ">" }'
  return `{ publish: ${list(publish)}, subscribe: ${list(subscribe)}, allow_responses: { max: 1, expires: "10m" } }`
}

function inbox(user: string): string {
  return `${inboxPrefix(user)}.>`
}

/** Requests between services, made for the bare principal or in the name of another. */
function verbs(...subjects: string[]): string[] {
  return subjects.flatMap((subject) => [subject, `${subject}.*.*`])
}

/** Those that one instance answers by itself, too. */
function each(subject: string): string[] {
  return [...verbs(subject), `${subject}.*`]
}

function verbsOf(principal: string): string[] {
  return CLIENT_VERBS.map((verb) => `${verb}.${principal}`)
}

/** What it takes to pull from a consumer that somebody else made: ask about it, ask for messages, acknowledge. */
function consume(stream: string, consumer: string): string[] {
  return [
    `$JS.API.CONSUMER.INFO.${stream}.${consumer}`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
    `$JS.ACK.${stream}.${consumer}.>`,
    // The form with domain and account, to which servers are changing over.
    `$JS.ACK.*.*.${stream}.${consumer}.>`,
  ]
}

/** What it takes to put an object into a bucket that somebody else made: look for an older one, and write. */
function putObjects(bucket: string): string[] {
  return [
    // What the client asks before anything else of a stream: the account's own limits.
    '$JS.API.INFO',
    ...['STREAM.INFO', 'STREAM.MSG.GET', 'STREAM.PURGE', 'DIRECT.GET'].map((verb) => `$JS.API.${verb}.OBJ_${bucket}`),
    `$JS.API.DIRECT.GET.OBJ_${bucket}.>`,
    `$O.${bucket}.>`,
  ]
}

/** What it takes to read and remove one. */
function takeObjects(bucket: string): string[] {
  return [
    ...putObjects(bucket),
    `$JS.API.CONSUMER.CREATE.OBJ_${bucket}.>`,
    `$JS.API.CONSUMER.CREATE.OBJ_${bucket}`,
    `$JS.API.CONSUMER.DELETE.OBJ_${bucket}.>`,
    `$JS.FC.OBJ_${bucket}.>`,
  ]
}
