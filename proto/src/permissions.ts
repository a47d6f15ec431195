/**
 * Who may publish and subscribe to what: one table, from which the NATS server's configuration is generated.
 *
 * Services share the account `DEED`, each with its own user, deny by default. An external caller has its own account
 * instead: it reaches the verbs of its role and nothing else, through imports that insert its tenant and name into the
 * subject (`accounts.ts`). The server answers a caller inside the caller's own account, so no reply subject and no
 * JetStream verb of a caller can publish inside the mesh.
 */
import { SERVICES, type ServiceName } from './contract.ts'
import { SUBMIT_SUBJECT } from './execution.ts'
import type { Principal } from './ids.ts'
import { MANIFEST_BUCKET } from './manifest.ts'
import { ORGANIZATION_ROLES, type OrganizationRole } from './organization.ts'
import { REPLICA_LOAD } from './replica.ts'
import { ROLE_USERS, type RoleUser, requestsOfRole, roleUser } from './role-requests.ts'
import { GET_TRACE, KEEP_TRACE } from './trace.ts'

/** Subject patterns; everything else is denied. Answers to received messages need no entry. */
export interface Permissions {
  publish: readonly string[]
  subscribe: readonly string[]
}

/** Users of the mesh's own account. */
export const MESH_USERS = [...SERVICES, 'mcp', ...ROLE_USERS, 'provider', 'bootstrap', 'deed'] as const
export type MeshUser = (typeof MESH_USERS)[number]

/** The purpose of an external caller. */
export type Role = 'client' | 'approver'

/** An external caller: a NATS user with an account of its own, and the principal of its requests. */
export interface Caller extends Principal {
  /** Of the NATS user and of its account. */
  readonly name: string
  readonly role: Role
}

/** The callers of a mesh on one machine. A requester must not approve, so they are two principals. */
export const CALLERS = [
  { name: 'client', role: 'client', tenant: 'local', user: 'user' },
  { name: 'approver', role: 'approver', tenant: 'local', user: 'approver' },
] as const satisfies readonly Caller[]
export type CallerName = (typeof CALLERS)[number]['name']

/** The principal of a service's reports: `task.report.mesh.executor`. Only the service itself may publish it. */
export const serviceAs = (user: ServiceName): Principal => ({ tenant: 'mesh', user })

const READING = [
  ...['get', 'list', 'watch', 'stats', 'history'].map((verb) => `execution.${verb}`),
  'task.list',
  'worker.list',
  'id.find',
  'workflow.list',
  ...['model.list', 'model.stats', 'model.calls', 'cache.stats', 'cache.list'],
  ...['list', 'get', 'history', 'analyze'].map((verb) => `template.${verb}`),
  'action.kinds',
  // Of the workspaces, without secrets.
  ...['analyze.codebase', 'code.search'],
  // Understanding has no side effects.
  'agent.explain',
  'task.explain',
  ...['list', 'test', 'learned', 'export'].map((verb) => `rules.${verb}`),
  'audit.verify',
  'audit.export',
  'audit.list-refusals',
  'goal.list',
  'schedule.list',
  ...[
    'get-decision',
    'list-decisions',
    'list-roles',
    'list-allocations',
    'list-standards',
    'list-permits',
    'list-holds',
    'list-mandates',
    'list-backlog',
    'recall',
  ].map((verb) => `organization.${verb}`),
]

const ASKING = [
  ...READING,
  ...['request', 'submit', 'cancel', 'retry', 'pause', 'resume', 'rollback', 'steer', 'choose'].map(
    (verb) => `execution.${verb}`,
  ),
  'manifest.put',
  // Of its own tenant: it removes an answer, and lowers what is served.
  'cache.report',
  ...['put', 'delete', 'pause', 'resume'].flatMap((verb) => [`goal.${verb}`, `schedule.${verb}`]),
]

/**
 * The verbs of a role. A caller may use each as `<verb>` or as `<verb>.<tenant>.<user>` with its own names; both are
 * equal.
 */
export const ROLE_VERBS: Record<Role, readonly string[]> = {
  client: ASKING,
  approver: [
    ...ASKING,
    ...['approval.list', 'approval.decide', 'approval.decide-many', 'grant.put', 'grant.list', 'grant.delete'],
    'rules.forget',
  ],
}

/** The roles of people at the console; each may do what the one before may, and more. */
export const CONSOLE_ROLES = ['viewer', 'operator', 'approver', 'admin'] as const
export type ConsoleRole = (typeof CONSOLE_ROLES)[number]

const VIEWING = [...READING, 'approval.list', 'grant.list', 'organization.list-messages']
const OPERATING = [...VIEWING, ...ROLE_VERBS.client]
const APPROVING = [...OPERATING, ...ROLE_VERBS.approver]

/** The requests that a person at the console may make. Those of the admin alone concern all tenants. */
export const CONSOLE_VERBS: Record<ConsoleRole, readonly string[]> = {
  viewer: requestsOf(VIEWING),
  operator: requestsOf(OPERATING),
  approver: requestsOf(APPROVING),
  admin: requestsOf([
    ...APPROVING,
    'metrics.get',
    ...['list', 'silence', 'unsilence'].map((verb) => `alert.${verb}`),
    'cache.invalidate',
    ...SERVICES.map((service) => `log.level.${service}`),
    ...['orchestrator', 'executor', 'agent'].map((service) => `doctor.${service}`),
  ]),
}

/** What Deed's own server over MCP requests in the name of an agent; `approval.decide` in that of a person alone. */
const MCP_VERBS = [
  ...['request', 'get', 'list', 'cancel', 'pause', 'resume', 'retry', 'rollback'].map((verb) => `execution.${verb}`),
  'approval.list',
  'approval.decide',
]

/** Each once, and without `execution.submit`, which is a stream: the console asks with `execution.request`. */
function requestsOf(subjects: readonly string[]): string[] {
  return [...new Set(subjects)].filter((subject) => subject !== 'execution.submit')
}

/** The events that a caller receives, of its own tenant only. */
export const heardBy = ({ tenant }: Principal): string[] => [`event.execution.${tenant}.*`, `alerts.${tenant}.*`]

/** PING, INFO and STATS of the micro protocol. */
export const MICRO = '$SRV.>'

/** A caller that stops waiting announces it with the inbox of the answer, which nobody else knows. */
const CANCELLED = 'cancelled.>'

/**
 * Inside a caller's account. `cancelled.>` reaches nobody there. Subscriptions may be wide, since only the tenant's
 * messages are imported.
 */
export const callerPermissions = ({ name, role, tenant, user }: Caller): Permissions => ({
  publish: [...ROLE_VERBS[role].flatMap((verb) => [verb, `${verb}.${tenant}.${user}`]), MICRO, CANCELLED],
  subscribe: ['_INBOX.>', inbox(name), 'event.execution.>', 'alerts.>'],
})

/** Raised by workers when no orchestrator answers: all other sources of alerts are gone then. */
const NO_ORCHESTRATOR = 'alerts.*.no-orchestrator'
const SILENCE = [NO_ORCHESTRATOR, 'alerts.*.orchestrator-back']

/** Before the subject of work that is offered to a worker that has room for it now, besides its queue. */
export const WORK_AT_ONCE = 'now'

/** As whom a restore passes over sequences of an intake that were given already. */
export const RESTORING = 'restore'

/** Where the server holds the answers to requests from other accounts. */
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
        'model.estimate',
        'agent.learn',
        'agent.unlearn',
        'action.inspect',
        'action.check',
        'action.resolve',
        'action.inspect-undo',
        'action.forget',
        'organization.propose-decision',
        'organization.get-decision',
      ),
      'work.>',
      `${WORK_AT_ONCE}.>`,
      // To the replica that takes it.
      ...one('execution.request'),
      `${REPLICA_LOAD}.orchestrator`,
      'event.execution.>',
      'alerts.>',
      KEEP_TRACE,
      ...consume('*', 'orchestrator'),
      // WORK is in memory, and is created again if it is missing.
      '$JS.API.INFO',
      '$JS.API.STREAM.*.WORK',
      '$JS.API.CONSUMER.*.WORK.>',
      ...objects(MANIFEST_BUCKET),
      // Which services answer.
      '$SRV.PING',
      // Which tenants have an intake stream, and how much is queued in it.
      '$JS.API.STREAM.NAMES',
      '$JS.API.STREAM.INFO.*',
      // A replica may answer a request that another one received.
      ...[ANSWERS_OUTSIDE, '_INBOX.>', inbox('deed')],
    ],
    subscribe: [
      ...each('doctor.orchestrator'),
      `${REPLICA_LOAD}.*`,
      ...['execution.>', 'approval.>', 'grant.>', 'goal.>', 'schedule.>', 'audit.>', 'manifest.>', 'workflow.>'],
      // One of the replicas delivers what any service raises.
      'alerts.>',
      'decisions.*.completed',
      ...verbs('task.list', 'id.find', 'worker.heartbeat', 'worker.list'),
      ...each('task.report'),
      // For the operator: they count all tenants.
      ...verbs('metrics.get', 'alert.list', 'alert.silence', 'alert.unsilence'),
      ...own('orchestrator'),
    ],
  },
  'template-optimizer': { publish: [], subscribe: ['template.>', ...own('template-optimizer')] },
  'task-decomposer': {
    publish: [],
    subscribe: [...verbs('task.decompose', 'task.explain'), ...own('task-decomposer')],
  },
  'hybrid-agent': {
    publish: [
      CANCELLED,
      // What a model's prompt gets of the workspace.
      ...verbs('cache.get', 'analyze.codebase', 'code.search', 'organization.recall'),
      ...reports('hybrid-agent'),
      ...SILENCE,
      ...consume('WORK', 'hybrid-agent'),
    ],
    subscribe: [
      ...verbs('agent.process', 'agent.explain', 'agent.learn', 'agent.unlearn'),
      ...verbs('model.list', 'model.stats', 'model.calls', 'model.estimate', 'model.embed'),
      'rules.>',
      ...each('doctor.agent'),
      `${WORK_AT_ONCE}.work.solve.*`,
      NO_ORCHESTRATOR,
      ...own('hybrid-agent'),
    ],
  },
  executor: {
    publish: [
      CANCELLED,
      ...reports('executor'),
      ...verbs('action.*.execute', 'action.*.observe', 'action.*.compensate', 'model.embed'),
      ...SILENCE,
      `${REPLICA_LOAD}.executor`,
      ...consume('WORK', 'executor'),
    ],
    subscribe: [
      ...verbs(
        'action.inspect',
        'action.check',
        'action.resolve',
        'action.inspect-undo',
        'action.kinds',
        // Of the workspaces, without secrets.
        ...['analyze.codebase', 'code.search'],
        'action.forget',
        'analyze.codebase',
        'code.search',
      ),
      ...each('doctor.executor'),
      `${WORK_AT_ONCE}.work.act.*`,
      `${WORK_AT_ONCE}.work.act.*.*`,
      NO_ORCHESTRATOR,
      ...own('executor'),
    ],
  },
  'semantic-cache': {
    publish: [CANCELLED, ...verbs('model.embed')],
    subscribe: ['cache.>', ...own('semantic-cache')],
  },
  /** It calls in the name of the person who is signed in, of any tenant. */
  console: {
    publish: [CANCELLED, GET_TRACE, ...verbs(...CONSOLE_VERBS.admin), named('audit.record-refusals', 'console')],
    subscribe: [
      ...verbs('console.link', 'console.sign-out'),
      ...['event.execution.*.*', 'alerts.*.*', 'decisions.*.*', 'messages.*.*'],
      ...own('console'),
    ],
  },
  /** It asks people in the name of the role that proposed a decision, of any tenant. */
  organization: {
    publish: [CANCELLED, ...verbs('execution.request', 'execution.get'), 'decisions.>', 'messages.>'],
    subscribe: ['organization.>', 'event.execution.*.*', ...own('organization')],
  },
  /** It calls in the name of agents, and of the people who answer its forms, of any tenant. */
  mcp: {
    publish: [CANCELLED, ...verbs(...MCP_VERBS)],
    subscribe: ['event.execution.*.*', inbox('mcp')],
  },
  ...roleUsers(),
  /** A program that provides kinds of action; an operator may give each one a user for its own kind alone. */
  provider: {
    publish: [],
    subscribe: [
      ...verbs('action.*.execute', 'action.*.observe', 'action.*.compensate'),
      ...[MICRO, CANCELLED, inbox('provider')],
    ],
  },
  /** A job that creates the intake streams, backs up or restores, and exits. */
  bootstrap: {
    publish: ['$JS.API.>', '$JS.SNAPSHOT.>', `${SUBMIT_SUBJECT}.*.${RESTORING}`],
    subscribe: [inbox('bootstrap')],
  },
  /** The operator at the machine itself, and the tests. Never give it to an external program. */
  deed: { publish: ['>'], subscribe: ['>'] },
}

/** A role's server: what its tools ask, as that role, of any tenant. */
function roleUsers(): Record<RoleUser, Permissions> {
  const permissionsOf = (role: OrganizationRole): Permissions => ({
    publish: [CANCELLED, ...requestsOfRole(role).map((subject) => `${subject}.*.${role}`)],
    subscribe: [inbox(roleUser(role))],
  })
  return Object.fromEntries(ORGANIZATION_ROLES.map((role) => [roleUser(role), permissionsOf(role)])) as never
}

/** The password of a user, such as `NATS_PASSWORD_EXECUTOR`: in the environment of a nats-server that reads the accounts, and of who enters as several users. */
export const passwordVariable = (user: string): string => `NATS_PASSWORD_${user.toUpperCase().replaceAll('-', '_')}`

/** The inbox prefix to connect with, so that replies arrive where the user may read. */
export function inboxPrefix(user: string): string {
  return `_INBOX_${user}`
}

function inbox(user: string): string {
  return `${inboxPrefix(user)}.>`
}

/** Requests between services, for the bare principal or for another one. */
function verbs(...subjects: string[]): string[] {
  return subjects.flatMap((subject) => [subject, `${subject}.*.*`])
}

/** Requests that a single instance also answers. */
function each(subject: string): string[] {
  return [...verbs(subject), ...one(subject)]
}

/** Requests to a single instance. */
function one(subject: string): string[] {
  return [`${subject}.*`, `${subject}.*.*.*`]
}

/** What every service hears: the micro protocol, callers that stop waiting, questions for spans, its log's level, its answers. */
function own(service: ServiceName): string[] {
  return [MICRO, CANCELLED, GET_TRACE, KEEP_TRACE, ...each(`log.level.${service}`), inbox(service)]
}

/** A worker's reports on its own work, under its own name. */
function reports(service: ServiceName): string[] {
  const report = named('task.report', service)
  return [report, `${report}.*`, named('worker.heartbeat', service)]
}

/** A request of a service in its own name. */
function named(verb: string, service: ServiceName): string {
  const { tenant, user } = serviceAs(service)
  return `${verb}.${tenant}.${user}`
}

/** The permissions to pull from an existing consumer: query it, request messages, acknowledge. */
function consume(stream: string, consumer: string): string[] {
  return [
    `$JS.API.CONSUMER.INFO.${stream}.${consumer}`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
    `$JS.ACK.${stream}.${consumer}.>`,
    // The form with domain and account, which servers are migrating to.
    `$JS.ACK.*.*.${stream}.${consumer}.>`,
  ]
}

/** The permissions to write, read and remove objects of an existing bucket. */
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
