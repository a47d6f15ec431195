/**
 * A server as a child process that may be killed at any time, as may its parent.
 *
 * The child is recorded with its start time, so the next parent finds it and ends it before it starts another on the
 * same files. It runs in a session of its own, so Ctrl+C in a terminal reaches the parent only, which shuts down in
 * order. It writes to a file, since a broken pipe to a dead parent would end it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fstatSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { keep, readJson } from './data-folder.ts'
import { identify, isAlive, type ProcessIdentity } from './process-identity.ts'

const START_MS_MAX = 60_000
const STOP_STEP_MS_MAX = 10_000
const POLL_MS = 10
const RESTART_AFTER_MS_MIN = 100
const RESTART_AFTER_MS_MAX = 5_000
const LOG_BYTES_MAX = 10_000_000
const LOG_TAIL_LINES = 12
const RECORD = 'process'

/** The subset of a logger that is used here; a pino logger fits. */
export interface ServerLog {
  info(facts: object, sentence: string): void
  warn(facts: object, sentence: string): void
}

/**
 * Nothing from the caller: a variable like PGDATA or LC_ALL would change the server's behaviour, and secrets must not
 * leak.
 */
export const SERVER_ENVIRONMENT: NodeJS.ProcessEnv = {
  PATH: '/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
  ...(process.platform === 'win32' ? { SystemRoot: 'C:\\Windows' } : {}),
}

export interface ServerIdentity {
  /** Its name in logs and errors. */
  name: string
  /** The folder of the process record and of `server.log`. */
  dataDir: string
  /** The stop signals, gentlest first; the next is sent after 10 s. */
  stopSignals: NodeJS.Signals[]
  log?: ServerLog | undefined
}

export interface ServerSpec extends ServerIdentity {
  file: string
  args: string[]
  /** Run as another user than this process's. */
  runAs?: { uid: number; gid: number } | undefined
  /** Polled until it is true: the server answers, and it is this one. Throwing means not yet. */
  answers: () => Promise<boolean>
  /** Whether the cause of this exit is temporary, such as files that a killed child still holds. */
  passes: (logTail: string) => boolean
  /** Restart it, after 0.1 s growing to 5 s, when it dies unexpectedly. */
  supervise: boolean
}

export interface ServerProcess extends AsyncDisposable {
  /** Of the current process; 0 while there is none. */
  readonly pid: number
  /** Sends SIGKILL and waits until it is gone. It stays down, supervised or not, until `start`. */
  kill(): Promise<void>
  /** Starts it on the same files and ports, and waits until it answers. No-op while it runs. */
  start(): Promise<void>
}

/**
 * Starts the server and waits until it answers. Disposing stops it and waits until it is gone.
 *
 * @throws with the end of the server's own log if it dies, or does not answer within 60 s
 */
export async function runServer(spec: ServerSpec): Promise<ServerProcess> {
  let child: ChildProcess | undefined
  /** Whether it should be running: this decides what an exit means. */
  let wanted = false
  let starting: Promise<void> | undefined

  function start(): Promise<void> {
    wanted = true
    starting ??= bringUp().finally(() => {
      starting = undefined
    })
    return starting
  }

  async function bringUp(): Promise<void> {
    const deadline = performance.now() + START_MS_MAX
    while (!child) {
      const { launched, logFrom } = await launch(spec)
      child = launched
      launched.once('exit', () => {
        child = undefined
      })
      const mayWait = () => child && wanted && performance.now() < deadline
      while (mayWait() && !(await answers(spec))) await sleep(POLL_MS)
      if (mayWait()) {
        launched.once('exit', died)
        return
      }
      if (child) await end(launched, spec.stopSignals)
      const reason = logTail(spec, logFrom)
      if (!wanted || performance.now() >= deadline || !spec.passes(reason)) {
        throw new Error(`${spec.name} did not start\n${reason}`)
      }
      await sleep(RESTART_AFTER_MS_MIN)
    }
  }

  async function died(code: number | null, signal: NodeJS.Signals | null): Promise<void> {
    if (!wanted) return
    spec.log?.warn({ server: spec.name, code, signal }, 'server died')
    if (!spec.supervise) return
    for (let afterMs = RESTART_AFTER_MS_MIN; ; afterMs = Math.min(afterMs * 2, RESTART_AFTER_MS_MAX)) {
      await sleep(afterMs)
      if (!wanted) return
      try {
        await start()
        spec.log?.info({ server: spec.name, pid: child?.pid }, 'server restarted')
        return
      } catch (err) {
        spec.log?.warn({ server: spec.name, err }, 'server did not restart')
      }
    }
  }

  async function stop(signals: NodeJS.Signals[]): Promise<void> {
    wanted = false
    if (child) await end(child, signals)
    // A start in progress loses its process, notices that it was cancelled, and gives up.
    await starting?.catch(() => undefined)
  }

  // A process that exits without disposing, after an uncaught error, stops its server.
  const leave = () => child?.kill(spec.stopSignals[0])
  process.on('exit', leave)
  try {
    await start()
  } catch (error) {
    process.off('exit', leave)
    throw error
  }
  return {
    get pid() {
      return child?.pid ?? 0
    },
    start,
    kill: () => stop(['SIGKILL']),
    [Symbol.asyncDispose]: async () => {
      await stop(spec.stopSignals)
      process.off('exit', leave)
      rmSync(join(spec.dataDir, `${RECORD}.json`), { force: true })
    },
  }
}

async function launch({
  name,
  dataDir,
  file,
  args,
  runAs,
}: ServerSpec): Promise<{ launched: ChildProcess; logFrom: number }> {
  const log = openLog(dataDir)
  try {
    const logFrom = fstatSync(log).size
    const child = privately(() =>
      spawn(file, args, { ...runAs, cwd: '/', env: SERVER_ENVIRONMENT, detached: true, stdio: ['ignore', log, log] }),
    )
    // Recorded before anything is awaited: if the parent is killed from here on, the child will be found.
    if (child.pid) keep(dataDir, RECORD, identify(child.pid) ?? null)
    await once(child, 'spawn')
    // A signal that could not be sent; the process is seen to continue.
    child.on('error', () => undefined)
    return { launched: child, logFrom }
  } catch (cause) {
    throw new Error(`${name} could not be started: ${file} ${cause instanceof Error ? cause.message : ''}`, { cause })
  } finally {
    closeSync(log)
  }
}

/** The child's files belong to its user only. It inherits the umask at once, so this process restores its own. */
function privately<T>(start: () => T): T {
  const before = process.umask(0o077)
  try {
    return start()
  } finally {
    process.umask(before)
  }
}

async function answers(spec: ServerSpec): Promise<boolean> {
  try {
    return await spec.answers()
  } catch {
    return false
  }
}

async function end(child: ChildProcess, signals: NodeJS.Signals[]): Promise<void> {
  const gone = child.exitCode !== null || child.signalCode !== null ? Promise.resolve() : once(child, 'exit')
  for (const signal of signals) {
    child.kill(signal)
    const stopped = new AbortController()
    const late = sleep(STOP_STEP_MS_MAX, 'late', { signal: stopped.signal }).catch(() => undefined)
    const first = await Promise.race([gone, late])
    stopped.abort()
    if (first !== 'late') return
  }
  throw new Error(`process ${child.pid} outlived ${signals.join(', ')}`)
}

/**
 * Ends a server that a killed parent has left running on these files; call it before `runServer`, and before choosing
 * ports.
 *
 * @returns whether there was one
 */
export async function stopLeftover({ name, dataDir, stopSignals, log }: ServerIdentity): Promise<boolean> {
  const left = readJson<ProcessIdentity | null>(join(dataDir, `${RECORD}.json`))
  if (!left || !isAlive(left)) return false
  log?.info({ server: name, pid: left.pid }, 'stopping a server that was left behind')
  for (const signal of stopSignals) {
    signalIfThere(left.pid, signal)
    const deadline = performance.now() + STOP_STEP_MS_MAX
    while (performance.now() < deadline) {
      if (!isAlive(left)) return true
      await sleep(POLL_MS)
    }
  }
  throw new Error(
    `${name}: process ${left.pid}, left behind in ${dataDir}, outlived ${stopSignals.join(', ')}; end it by hand`,
  )
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function openLog(dataDir: string): number {
  const file = join(dataDir, 'server.log')
  const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  return openSync(file, bytes > LOG_BYTES_MAX ? 'w' : 'a', 0o600)
}

/** The end of the server's log since its launch, which contains the reason if it did not start. */
function logTail({ dataDir }: ServerSpec, logFrom: number): string {
  const written = readFileSync(join(dataDir, 'server.log')).subarray(logFrom).toString()
  return written.trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n')
}
