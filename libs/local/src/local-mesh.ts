/** The whole mesh on one machine: NATS and PostgreSQL, embedded or external, and each service as a process. */

import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type ExecutionConfig, readExecutionConfig } from '@deed/config/execution-config'
import { connectBus } from '@deed/mesh/bus'
import { serversOf } from '@deed/mesh/connection'
import { ensureEventStreams } from '@deed/mesh/event-stream'
import { ensureManifests } from '@deed/mesh/manifest-store'
import { ensureIntake } from '@deed/mesh/work-queue'
import type { ServiceName } from '@deed/proto/contract'
import { SERVICES } from '@deed/proto/contract'
import { LOCAL } from '@deed/proto/ids'
import { passwordVariable } from '@deed/proto/permissions'
import { ROLE_USERS } from '@deed/proto/role-requests'
import { createLogger } from '@deed/telemetry/logger'
import { CONNECTION_FILE, CONSOLE_PORT, type Connection, type MeshRecord, recordsIn } from './connection-file.ts'
import { openDataFolder } from './data-folder.ts'
import { checkDatabase, checkNats, databaseUrlFault, refuseUnfinishedRestore } from './given-servers.ts'
import { storedPort } from './kept-port.ts'
import { claimMesh } from './leftovers.ts'
import { type EmbeddedNats, type NatsUser, startNats } from './nats.ts'
import { type EmbeddedPostgres, startPostgres } from './postgres.ts'
import { identify } from './process-identity.ts'
import { createRoles, keptPasswords, type RoleUrls, STORING } from './roles.ts'
import { defined, type Started, serviceEnvironment, type Variables } from './service-environment.ts'
import { type ServiceProcess, startService } from './service-process.ts'
import { ENVIRONMENTS, THINKERS, THINKING, type Thinkers } from './thinkers.ts'

export interface MeshOptions {
  /** Data, passwords and logs; created if it is missing. */
  dataDir: string
  /** Path of execution.yaml. */
  config?: string | undefined
  /** Use this server instead of starting one; user and password may be in the URL. */
  natsUrl?: string | undefined
  /** Use this database instead of starting a server; the role must be able to create roles and schemas. */
  databaseUrl?: string | undefined
  /** Added to the environment of this process, of which each service gets the variables that it reads. */
  env?: Variables
  /** Added to the environment of one service. */
  serviceEnv?: ServiceEnvironment
  /** Called once the database answers, in parallel with other preparations; adds to the services' environment. */
  prepare?(databaseUrl: string): Promise<ServiceEnvironment>
  /**
   * Whether the thinking services share a process, which takes less memory; killing one then kills all of them. One that
   * has several copies has processes of its own. Default: apart.
   */
  thinkers?: Thinkers
  /** Default: one of each. */
  copies?: Partial<Record<ServiceName, number>>
  /** Restart what dies. Default: true. */
  supervise?: boolean
  /** Called at each step of the start. */
  progress?(step: string): void
  /** Aborts an incomplete start; what it has started is stopped. */
  signal?: AbortSignal | undefined
}

export type { Connection } from './connection-file.ts'
export type ServiceEnvironment = Partial<Record<ServiceName, Record<string, string>>>

export interface Mesh extends AsyncDisposable {
  readonly dataDir: string
  readonly nats: EmbeddedNats | undefined
  readonly postgres: EmbeddedPostgres | undefined
  readonly services: readonly ServiceProcess[]
  readonly connection: Connection
  service(name: ServiceName, copy?: number): ServiceProcess
  /** The environment that a service was started with. */
  environmentOf(name: ServiceName): Record<string, string>
  /** Credentials of another user than `deed`; of the embedded server only. */
  connectionAs(user: NatsUser): Connection
}

/** Users for external clients: one requests, the other approves; `deed mcp` and each role's server are the others. */
const OUTSIDE: readonly NatsUser[] = ['client', 'approver', 'mcp', ...ROLE_USERS]

const logsIn = (dataDir: string): string => join(dataDir, 'logs')

/** The sampling ratio if not all executions are traced. */
const TRACED_OTHERWISE = 0.01

/**
 * Starts everything, and resolves when every service is ready. Disposing drains and stops in reverse. If it fails, what
 * it has started is stopped first.
 *
 * @throws {ConfigError} for an unusable setting, such as an external server that does not answer
 */
export async function startMesh(options: MeshOptions): Promise<Mesh> {
  const dataDir = resolve(options.dataDir)
  openDataFolder(dataDir)
  const { progress = () => undefined, natsUrl, databaseUrl } = options
  const failed = new AbortController()
  const signal = AbortSignal.any([failed.signal, ...(options.signal ? [options.signal] : [])])
  // Standard output belongs to the caller.
  const log = createLogger('deed', 2)
  await using opened = new AsyncDisposableStack()
  opened.use(await claimMesh(dataDir))

  // Before anything is started, so that a missing server is reported at once.
  await Promise.all([databaseUrl && checkDatabase(databaseUrl), natsUrl && checkNats(natsUrl)])
  if (databaseUrl === undefined || natsUrl === undefined) progress('starting NATS and PostgreSQL')
  const { postgres, nats } = await startServers(options, dataDir, quiet(log), opened)
  signal.throwIfAborted()
  const config = readExecutionConfig(options.config)
  const adminUrl = databaseUrl ?? postgres?.url
  if (adminUrl === undefined) throw new Error('there is no database')
  await refuseUnfinishedRestore(adminUrl)
  const shell: Variables = { ...process.env, ...options.env }
  const natsAs = (user: NatsUser): Connection => ({
    ...natsConnection(natsUrl, nats, user, shell),
    database_url: adminUrl,
  })
  const [roles, prepared] = await allOf([
    createRoles(adminUrl, keptPasswords(dataDir)).catch((error: unknown) => {
      throw databaseUrl === undefined ? error : databaseUrlFault(error, databaseUrl)
    }),
    options.prepare?.(adminUrl),
    prepareStreams(natsAs('bootstrap'), config.streams.replicas),
  ])
  signal.throwIfAborted()

  progress('starting the services')
  const environmentOf = await environmentsOf({
    options,
    config,
    dataDir,
    shell,
    natsAs,
    roles,
    prepared,
    log: quiet(log),
  })
  const services = await startServices({ options, config, dataDir, environmentOf, signal, failed, progress, opened })
  const connection = natsAs('deed')
  opened.defer(recordMesh(options, dataDir, connection, { nats, natsAs }))
  const running = opened.move()
  return {
    dataDir,
    nats,
    postgres,
    services,
    connection,
    service(name, copy = 0) {
      const found = services.filter(({ service }) => service === name)[copy]
      if (!found) throw new Error(`no ${name} number ${copy} runs`)
      return found
    },
    environmentOf,
    connectionAs: natsAs,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

interface Servers {
  postgres: EmbeddedPostgres | undefined
  nats: EmbeddedNats | undefined
}

/** The servers that are not external, at once. */
async function startServers(
  { databaseUrl, natsUrl, supervise = true }: MeshOptions,
  dataDir: string,
  log: ReturnType<typeof quiet>,
  opened: AsyncDisposableStack,
): Promise<Servers> {
  const [postgres, nats] = await allOf([
    databaseUrl === undefined
      ? startPostgres({ dataDir: join(dataDir, 'postgres'), supervise, log }).then((it) => opened.use(it))
      : undefined,
    natsUrl === undefined
      ? startNats({ dataDir: join(dataDir, 'nats'), binary: process.env.NATS_SERVER_BIN, supervise, log }).then((it) =>
          opened.use(it),
        )
      : undefined,
  ])
  return { postgres, nats }
}

interface Environments {
  options: MeshOptions
  config: ExecutionConfig
  dataDir: string
  shell: Variables
  natsAs(user: NatsUser): Connection
  roles: RoleUrls
  prepared: ServiceEnvironment | undefined
  log: ReturnType<typeof quiet>
}

/** How each service is told where things are. The ports of the console and of MCP stay the same between starts. */
async function environmentsOf({
  options,
  config: { observability, mcp },
  dataDir,
  shell,
  natsAs,
  roles,
  prepared,
  log,
}: Environments): Promise<(name: Started) => Record<string, string>> {
  const traced = observability.trace_all_executions ? 1 : TRACED_OTHERWISE
  const consolePort = await storedPort(dataDir, CONSOLE_PORT, log)
  const mcpPort = mcp.enabled ? await storedPort(dataDir, 'mcp-port', log) : 0
  return (name) => {
    const entry = natsAs(name)
    const storing = STORING.find((service) => service === name)
    return {
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: String(traced),
      ...serviceEnvironment(name, shell, options.config),
      ...defined({
        NATS_URL: entry.nats_url,
        NATS_USER: entry.nats_user,
        NATS_PASSWORD: entry.nats_password,
        NATS_SERVER_NAME: entry.nats_server_name,
        DEED_DATA: join(dataDir, name),
        OTEL_SERVICE_NAME: name,
      }),
      ...(storing ? { DATABASE_URL: roles.services[storing], DATABASE_OWNER_URL: roles.owners[storing] } : {}),
      ...(name === 'console' ? { DEED_LOGS: logsIn(dataDir) } : {}),
      ...(name === 'console' || name === 'mcp' ? { CONSOLE_PORT: String(consolePort) } : {}),
      ...(name === 'mcp'
        ? { MCP_PORT: String(mcpPort), ...passwordVariables(passwordsOf(ROLE_USERS, natsAs)) }
        : { ...options.serviceEnv?.[name], ...prepared?.[name] }),
    }
  }
}

/** Of the users that have one: on a server without the mesh's users there are none. */
const passwordsOf = (users: readonly NatsUser[], natsAs: (user: NatsUser) => Connection): Record<string, string> =>
  defined(
    Object.fromEntries(
      users.map((user) => {
        const { nats_user, nats_password } = natsAs(user)
        return [user, nats_user === user ? nats_password : undefined]
      }),
    ),
  )

const passwordVariables = (passwords: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(passwords).map(([user, password]) => [passwordVariable(user), password]))

interface Starting {
  options: MeshOptions
  config: ExecutionConfig
  dataDir: string
  environmentOf(name: Started): Record<string, string>
  /** Ends the start of all of them, when it is aborted. */
  signal: AbortSignal
  /** Aborted with the error of the first that fails. */
  failed: AbortController
  progress(step: string): void
  opened: AsyncDisposableStack
}

/** All services at once, the thinking ones in one process if the options say so. */
async function startServices({
  options: { thinkers, copies, supervise = true },
  config: { console: page, mcp },
  dataDir,
  environmentOf,
  signal,
  failed,
  progress,
  opened,
}: Starting): Promise<ServiceProcess[]> {
  const sharing = THINKERS.filter((name) => thinkers === 'together' && copies?.[name] === undefined)
  const apart = SERVICES.filter((service) => !sharing.some((name) => name === service))
  const wanted = apart
    .filter((service) => service !== 'console' || page.enabled)
    .flatMap((service) => Array.from({ length: copies?.[service] ?? 1 }, (_, copy) => ({ service, copy })))
  const places = { logDir: logsIn(dataDir), recordDir: recordsIn(dataDir) }
  const start = async <Name extends Started | typeof THINKING>(
    service: Name,
    copy: number,
    env: Record<string, string>,
  ): Promise<ServiceProcess<Name>> => {
    const started = await startService({ service, copy, supervise, env, ...places, signal }).catch((error: unknown) => {
      // The others need not finish first.
      failed.abort(error)
      throw signal.reason
    })
    progress(service === THINKING ? `${sharing.join(', ')} are ready` : `${service} is ready`)
    return opened.use(started)
  }
  const [shared, ...alone] = await allOf([
    sharing.length === 0 ? undefined : start(THINKING, 0, environmentOfSeveral(sharing, environmentOf)),
    ...wanted.map(({ service, copy }) => start(service, copy, environmentOfCopy(environmentOf(service), copy))),
  ])
  // None of the services, so that a mesh has the same ones with and without it.
  if (mcp.enabled) await start('mcp', 0, environmentOf('mcp'))
  return [...alone, ...sharing.flatMap((name) => (shared ? [ofProcess(name, shared)] : []))]
}

/** Writes where the mesh is, for the command. @returns what removes it again */
function recordMesh(
  { config }: MeshOptions,
  dataDir: string,
  connection: Connection,
  { nats, natsAs }: { nats: EmbeddedNats | undefined; natsAs(user: NatsUser): Connection },
): () => void {
  const record: MeshRecord = {
    ...connection,
    ...(nats ? { nats_system_login: nats.systemLogin } : {}),
    ...(config === undefined ? {} : { config: resolve(config) }),
    users: passwordsOf(OUTSIDE, natsAs),
    process: identify(process.pid) ?? { pid: process.pid, started: '' },
  }
  const file = join(dataDir, CONNECTION_FILE)
  writeFileSync(`${file}.new`, JSON.stringify(record, null, 2), { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return () => rmSync(file, { force: true })
}

/** What all of them have alike, and the environment of each. */
function environmentOfSeveral(
  names: readonly ServiceName[],
  environmentOf: (name: ServiceName) => Record<string, string>,
): Record<string, string> {
  const [port] = names.map((name) => environmentOf(name).METRICS_PORT)
  // One process answers Prometheus once, at the port of its first service.
  const each = Object.fromEntries(names.map((name) => [name, defined({ ...environmentOf(name), METRICS_PORT: port })]))
  const [first = {}, ...others] = Object.values(each)
  const common = Object.entries(first).filter(([name, value]) => others.every((env) => env[name] === value))
  return { ...Object.fromEntries(common), [ENVIRONMENTS]: JSON.stringify(each) }
}

/** The port of the metrics is the first one's. */
const environmentOfCopy = (env: Record<string, string>, copy: number): Record<string, string> =>
  copy > 0 && env.METRICS_PORT ? { ...env, METRICS_PORT: '0' } : env

/** A service in a process that it shares: what is done to it is done to all of them. */
function ofProcess(service: ServiceName, shared: ServiceProcess<typeof THINKING>): ServiceProcess {
  return {
    service,
    get pid() {
      return shared.pid
    },
    get metricsUrl() {
      return shared.metricsUrl
    },
    kill: shared.kill,
    crashAt: shared.crashAt,
    // With other settings it would have to be restarted with all of theirs.
    start: () => shared.start(),
    stop: shared.stop,
    [Symbol.asyncDispose]: () => shared[Symbol.asyncDispose](),
  }
}

/** Like `Promise.all`, but if one fails the others finish first, so that what they open is closed. */
async function allOf<const Parts extends readonly unknown[]>(
  parts: Parts,
): Promise<{ -readonly [Index in keyof Parts]: Awaited<Parts[Index]> }> {
  await Promise.allSettled(parts)
  return Promise.all(parts)
}

function natsConnection(
  url: string | undefined,
  nats: EmbeddedNats | undefined,
  user: NatsUser,
  shell: Variables,
): Omit<Connection, 'database_url'> {
  if (nats) {
    const { pass } = nats.credentials(user)
    return { nats_url: nats.url, nats_user: user, nats_password: pass, nats_server_name: nats.serverName }
  }
  const { servers, username, password } = serversOf(url ?? '')
  // A server with the accounts of `deed info --nats-config` has a user for each, with the password that it reads there too.
  const own = shell[passwordVariable(user)]
  if (own) return { nats_url: servers, nats_user: user, nats_password: own }
  return {
    nats_url: servers,
    ...(username === undefined ? {} : { nats_user: username, nats_password: password ?? '' }),
  }
}

/** The durable intake of the local tenant, and the store of large manifests. */
async function prepareStreams({ nats_url, nats_user, nats_password }: Connection, replicas: number): Promise<void> {
  await using bus = await connectBus({ service: 'bootstrap', url: nats_url, user: nats_user, password: nats_password })
  await ensureIntake(bus.nc, LOCAL.tenant, replicas)
  await ensureManifests(bus.nc, replicas)
  await ensureEventStreams(bus.nc, replicas)
}

/** Only warnings of the servers belong on a terminal. */
function quiet(log: ReturnType<typeof createLogger>) {
  return { info: () => undefined, warn: (facts: object, sentence: string) => log.warn(facts, sentence) }
}
