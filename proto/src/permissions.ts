/**
 * Who may publish and subscribe what: one table, from which the configuration of the NATS server is made.
 *
 * Services share the account `DEED`, each with a user of its own and deny by default. A caller from outside has an
 * account of its own instead: it reaches the verbs of its role and nothing else, through imports that put its tenant
 * and its name into the subject (`accounts.ts`). The server answers a caller inside the caller's own account, so no
 * reply subject and no JetStream verb of a caller can publish anything inside the mesh.
 */
import { SERVICES, type ServiceName } from './contract.ts'
import type { Principal } from './ids.ts'
import { MANIFEST_BUCKET } from './manifest.ts'

/** Subject patterns; what is not listed is refused. Answers to messages received need no entry. */
export interface Permissions {
  publish: readonly string[]
  subscribe: readonly string[]
}

/** Users of the mesh's own account. */
export const MESH_USERS = [...SERVICES, 'provider', 'bootstrap', 'deed'] as const
export type MeshUser = (typeof MESH_USERS)[number]

/** What a caller from outside is for. */
export type Role = 'client' | 'approver'

/** A caller from outside: a NATS user that is alone in its account, and in whose name it asks. */
export interface Caller extends Principal {
  /** Of the NATS user and of its account. */
  readonly name: string
  readonly role: Role
}

/** Those of a mesh on one machine. Who asks for a thing cannot approve it too, so they are two principals. */
export const CALLERS = [
  { name: 'client', role: 'client', tenant: 'local', user: 'user' },
  { name: 'approver', role: 'approver', tenant: 'local', user: 'approver' },
] as const satisfies readonly Caller[]
export type CallerName = (typeof CALLERS)[number]['name']

/** In whose name a service reports: `task.report.mesh.executor`. Only the service itself may publish it. */
export const serviceAs = (user: ServiceName): Principal => ({ tenant: 'mesh', user })

const ASKING = [
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
  'manifest.put',
  'task.list',
  'id.find',
  'action.kinds',
  'audit.verify',
  'audit.export',
  ...['put', 'list', 'delete', 'pause', 'resume'].flatMap((verb) => [`goal.${verb}`, `schedule.${verb}`]),
]

/** The verbs of a role. A caller says each as `<verb>` or as `<verb>.<tenant>.<user>` of its own; both are the same. */
export const ROLE_VERBS: Record<Role, readonly string[]> = {
  client: ASKING,
  approver: [
    ...ASKING,
    ...['approval.list', 'approval.decide', 'approval.batch', 'grant.put', 'grant.list', 'grant.delete'],
  ],
}

/** What a caller hears, of its own tenant only. */
export const heardBy = ({ tenant }: Principal): string[] => [`event.execution.${tenant}.*`, `alerts.${tenant}.*`]

/** PING, INFO and STATS of the micro protocol. */
export const MICRO = '$SRV.>'

/** Who has given up waiting says so by the inbox of the answer, which nobody else knows. */
const CANCELLED = 'cancelled.>'

/**
 * Inside a caller's account. `cancelled.>` reaches nobody there. Subscriptions may be wide, since only what is of the
 * tenant comes in.
 */
export const callerPermissions = ({ name, role, tenant, user }: Caller): Permissions => ({
  publish: [...ROLE_VERBS[role].flatMap((verb) => [verb, `${verb}.${tenant}.${user}`]), MICRO, CANCELLED],
  subscribe: ['_INBOX.>', inbox(name), 'event.execution.>', 'alerts.>'],
})

/** Raised by workers when no orchestrator answers them: those that raise all other alerts are gone then. */
const NO_ORCHESTRATOR = 'alerts.*.no-orchestrator'
const SILENCE = [NO_ORCHESTRATOR, 'alerts.*.orchestrator-back']

/** Where the server has the answers to requests that came from another account. */
const ANSWERS_OUTSIDE = '_R_.>'

export const MESH_PERMISSIONS: Record<MeshUser, Permissions> = {
  orchestrator: {
    publish: [
      CANCELLED,
      'cache.>',
      ...verbs('template.select', 'template.get', 'template.record'),
      ...verbs(
        'task.decompose',
        'agent.process',
        'action.inspect',
        'action.resolve',
        'action.standing',
        'action.forget',
      ),
      'work.>',
      'event.execution.>',
      'alerts.>',
      ...consume('*', 'orchestrator'),
      // WORK lives in memory, and is made again where it is missing.
      '$JS.API.INFO',
      '$JS.API.STREAM.*.WORK',
      '$JS.API.CONSUMER.*.WORK.>',
      ...objects(MANIFEST_BUCKET),
      // Which tenants have an intake stream, and how much waits in it.
      '$JS.API.STREAM.NAMES',
      '$JS.API.STREAM.INFO.*',
      // A replica that did not receive a request may be the one to answer it.
      ...[ANSWERS_OUTSIDE, '_INBOX.>', inbox('deed')],
    ],
    subscribe: [
      ...each('doctor.orchestrator'),
      ...['execution.>', 'approval.>', 'grant.>', 'goal.>', 'schedule.>', 'audit.>', 'manifest.>'],
      // One of the replicas delivers what any service raises.
      'alerts.>',
      ...verbs('task.report', 'task.list', 'id.find', 'worker.heartbeat'),
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
      ...verbs('cache.get'),
      ...reports('hybrid-agent'),
      ...SILENCE,
      ...consume('WORK', 'hybrid-agent'),
    ],
    subscribe: [
      ...verbs('agent.process', 'analyze.codebase', 'code.search'),
      ...each('doctor.agent'),
      NO_ORCHESTRATOR,
      ...[MICRO, CANCELLED, inbox('hybrid-agent')],
    ],
  },
  executor: {
    publish: [
      CANCELLED,
      ...reports('executor'),
      ...verbs('action.*.execute', 'action.*.observe', 'action.*.compensate'),
      ...SILENCE,
      ...consume('WORK', 'executor'),
    ],
    subscribe: [
      ...verbs('action.inspect', 'action.resolve', 'action.standing', 'action.kinds', 'action.forget'),
      ...each('doctor.executor'),
      NO_ORCHESTRATOR,
      ...[MICRO, CANCELLED, inbox('executor')],
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
  /** The operator at the machine itself, and the tests. Give it to no program outside. */
  deed: { publish: ['>'], subscribe: ['>'] },
}

/** The prefix to connect with, so that replies arrive where the user may read. */
export function inboxPrefix(user: string): string {
  return `_INBOX_${user}`
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

/** What a worker says of its own work, under its own name. */
function reports(service: ServiceName): string[] {
  const { tenant, user } = serviceAs(service)
  return ['task.report', 'worker.heartbeat'].map((verb) => `${verb}.${tenant}.${user}`)
}

/** What it takes to pull from a consumer that was made before: ask about it, ask for messages, acknowledge. */
function consume(stream: string, consumer: string): string[] {
  return [
    `$JS.API.CONSUMER.INFO.${stream}.${consumer}`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
    `$JS.ACK.${stream}.${consumer}.>`,
    // The form with domain and account, to which servers are changing over.
    `$JS.ACK.*.*.${stream}.${consumer}.>`,
  ]
}

/** What it takes to write, read and remove objects of a bucket that was made before. */
function objects(bucket: string): string[] {
  const stream = `OBJ_${bucket}`
  return [
    ...['STREAM.INFO', 'STREAM.MSG.GET', 'STREAM.PURGE', 'DIRECT.GET'].map((verb) => `$JS.API.${verb}.${stream}`),
    `$JS.API.DIRECT.GET.${stream}.>`,
    ...['CONSUMER.CREATE', 'CONSUMER.DELETE'].map((verb) => `$JS.API.${verb}.${stream}.>`),
    `$JS.API.CONSUMER.CREATE.${stream}`,
    `$JS.FC.${stream}.>`,
    `$O.${bucket}.>`,
  ]
}
