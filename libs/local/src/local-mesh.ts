/** The whole mesh on one machine: NATS and PostgreSQL, embedded or external, and each service as a process. */

import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readExecutionConfig } from '@deed/config/execution-config'
import { connectBus } from '@deed/mesh/bus'
import { ensureManifests } from '@deed/mesh/manifest-store'
import { ensureIntake } from '@deed/mesh/work-queue'
import type { ServiceName } from '@deed/proto/contract'
import { SERVICES } from '@deed/proto/contract'
import { LOCAL } from '@deed/proto/ids'
import { createLogger } from '@deed/telemetry/logger'
import { passwordVariable } from './accounts-configuration.ts'
import { CONNECTION_FILE, type Connection, type MeshRecord, recordsIn } from './connection-file.ts'
import { keep, openDataFolder, readJson } from './data-folder.ts'
import { checkDatabase, checkNats, databaseFault } from './given-servers.ts'
import { claimMesh } from './leftovers.ts'
import { type EmbeddedNats, type NatsUser, startNats } from './nats.ts'
import { type EmbeddedPostgres, startPostgres } from './postgres.ts'
import { identify } from './process-identity.ts'
import { createRoles, newRolePasswords, type RolePasswords } from './roles.ts'
import { defined, serviceEnvironment, type Variables } from './service-environment.ts'
import { type ServiceProcess, startService } from './service-process.ts'

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

/** Users for external clients: one requests, the other approves. */
const OUTSIDE: readonly NatsUser[] = ['client', 'approver']

const WITHOUT_TABLES: ServiceName = 'task-decomposer'

/** The sampling ratio if not all executions are traced. */
const TRACED_OTHERWISE = 0.01

/**
 * Starts everything, and resolves when every service is ready. Disposing drains and stops in reverse. If it fails, what
 * it has started is stopped first.
 *
 * @throws {ConfigurationError} for an unusable setting, such as an external server that does not answer
 */
export async function startMesh(options: MeshOptions): Promise<Mesh> {
  const dataDir = resolve(options.dataDir)
  openDataFolder(dataDir)
  const { progress = () => undefined, supervise = true, natsUrl, databaseUrl } = options
  const failed = new AbortController()
  const signal = AbortSignal.any([failed.signal, ...(options.signal ? [options.signal] : [])])
  // Standard output belongs to the caller.
  const log = createLogger('deed', 2)
  await using opened = new AsyncDisposableStack()
  opened.use(await claimMesh(dataDir))

  // Before anything is started, so that a missing server is reported at once.
  await Promise.all([databaseUrl && checkDatabase(databaseUrl), natsUrl && checkNats(natsUrl)])
  if (databaseUrl === undefined || natsUrl === undefined) progress('starting NATS and PostgreSQL')
  const [postgres, nats] = await allOf([
    databaseUrl === undefined
      ? startPostgres({ dataDir: join(dataDir, 'postgres'), supervise, log: quiet(log) }).then((it) => opened.use(it))
      : undefined,
    natsUrl === undefined
      ? startNats({
          dataDir: join(dataDir, 'nats'),
          binary: process.env.NATS_SERVER_BIN,
          supervise,
          log: quiet(log),
        }).then((it) => opened.use(it))
      : undefined,
  ])
  signal.throwIfAborted()
  const adminUrl = databaseUrl ?? postgres?.url
  if (adminUrl === undefined) throw new Error('there is no database')
  const shell: Variables = { ...process.env, ...options.env }
  const natsAs = (user: NatsUser): Connection => ({
    ...natsConnection(natsUrl, nats, user, shell),
    database_url: adminUrl,
  })
  const [roles, prepared] = await allOf([
    createRoles(adminUrl, keptPasswords(dataDir)).catch((error: unknown) => {
      throw databaseUrl === undefined ? error : databaseFault(error, databaseUrl)
    }),
    options.prepare?.(adminUrl),
    prepareIntake(natsAs('bootstrap')),
  ])
  signal.throwIfAborted()

  progress('starting the services')
  const { trace_all_executions: all } = readExecutionConfig(options.config).observability
  const traced = all ? 1 : TRACED_OTHERWISE
  const environmentOf = (name: ServiceName): Record<string, string> => {
    const entry = natsAs(name)
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
      ...(name === WITHOUT_TABLES
        ? {}
        : { DATABASE_URL: roles.services[name], DATABASE_OWNER_URL: roles.owners[name] }),
      ...options.serviceEnv?.[name],
      ...prepared?.[name],
    }
  }
  const wanted = SERVICES.flatMap((service) =>
    Array.from({ length: options.copies?.[service] ?? 1 }, (_, copy) => ({ service, copy })),
  )
  const places = { logDir: join(dataDir, 'logs'), recordDir: recordsIn(dataDir) }
  const services = await allOf(
    wanted.map(async ({ service, copy }) => {
      const settings = { service, copy, supervise, env: environmentOf(service), ...places, signal }
      const started = await startService(settings).catch((error: unknown) => {
        // The others need not finish first.
        failed.abort(error)
        throw signal.reason
      })
      progress(`${service} is ready`)
      return opened.use(started)
    }),
  )
  const connection = natsAs('deed')
  const kept: MeshRecord = {
    ...connection,
    ...(nats ? { nats_system_login: nats.systemLogin } : {}),
    ...(options.config === undefined ? {} : { config: resolve(options.config) }),
    users: defined(
      Object.fromEntries(
        OUTSIDE.map((user) => [user, nats ? nats.credentials(user).pass : shell[passwordVariable(user)]]),
      ),
    ),
    process: identify(process.pid) ?? { pid: process.pid, started: '' },
  }
  const connectionFile = join(dataDir, CONNECTION_FILE)
  writeFileSync(`${connectionFile}.new`, JSON.stringify(kept, null, 2), { mode: 0o600 })
  renameSync(`${connectionFile}.new`, connectionFile)
  opened.defer(() => rmSync(connectionFile, { force: true }))

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
  const parsed = new URL(url ?? '')
  const { username, password } = parsed
  parsed.username = ''
  parsed.password = ''
  // A server with the accounts of `deed info --nats-config` has a user for each, with the password that it reads there too.
  const own = shell[passwordVariable(user)]
  if (own) return { nats_url: parsed.href, nats_user: user, nats_password: own }
  return {
    nats_url: parsed.href,
    ...(username === ''
      ? {}
      : { nats_user: decodeURIComponent(username), nats_password: decodeURIComponent(password) }),
  }
}

/** The durable intake of the local tenant. */
async function prepareIntake({ nats_url, nats_user, nats_password }: Connection): Promise<void> {
  await using bus = await connectBus({ service: 'bootstrap', url: nats_url, user: nats_user, password: nats_password })
  await ensureIntake(bus.nc, LOCAL.tenant)
  await ensureManifests(bus.nc)
}

function keptPasswords(dataDir: string): RolePasswords {
  const passwords = { ...newRolePasswords(), ...readJson<Partial<RolePasswords>>(join(dataDir, 'roles.json')) }
  keep(dataDir, 'roles', passwords)
  return passwords
}

/** Only warnings of the servers belong on a terminal. */
function quiet(log: ReturnType<typeof createLogger>) {
  return { info: () => undefined, warn: (facts: object, sentence: string) => log.warn(facts, sentence) }
}
