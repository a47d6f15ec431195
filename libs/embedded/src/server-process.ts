/**
 * A server as a child process that may be killed at any time, as may its parent.
 *
 * The child is written down with its start time, so the next parent finds it and ends it before it starts another on
 * the same files. It leads a session of its own, so Ctrl+C in a terminal reaches the parent alone, which closes things
 * in the right order. It writes to a file, since a pipe to a dead parent would end it.
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

/** The part of a logger that is needed here; a pino logger fits. */
export interface ServerLog {
  info(facts: object, sentence: string): void
  warn(facts: object, sentence: string): void
}

/** None of the caller's: a variable like PGDATA or LC_ALL would change what a server does, and a secret is none of its. */
export const SERVER_ENVIRONMENT: NodeJS.ProcessEnv = {
  PATH: '/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
  ...(process.platform === 'win32' ? { SystemRoot: 'C:\\Windows' } : {}),
}

export interface ServerIdentity {
  /** As it is called in logs and errors. */
  name: string
  /** Where the process is written down, and where `server.log` lies. */
  dataDir: string
  /** What ends it, from the polite to the certain; each has 10 s before the next is sent. */
  stopSignals: NodeJS.Signals[]
  log?: ServerLog | undefined
}

export interface ServerSpec extends ServerIdentity {
  file: string
  args: string[]
  /** Another user than this process's. */
  runAs?: { uid: number; gid: number } | undefined
  /** Asked until it holds: the server answers, and it is this one. Throwing means not yet. */
  answers: () => Promise<boolean>
  /** Whether an end like this is due to something that passes, such as files that a killed child still holds. */
  passes: (logTail: string) => boolean
  /** Start it again, after 0.1 s growing to 5 s, when it dies without having been asked to. */
  supervise: boolean
}

export interface ServerProcess extends AsyncDisposable {
  /** Of the process that runs now; 0 while there is none. */
  readonly pid: number
  /** Ends it with SIGKILL and waits until it is gone. It stays down, supervised or not, until `start`. */
  kill(): Promise<void>
  /** Starts it on the same files and ports, and waits until it answers. Does nothing while it runs. */
  start(): Promise<void>
}

/**
 * Starts the server and waits until it answers. Disposing stops it and waits until it is gone.
 *
 * @throws with the end of the server's own log when it dies, or does not answer within 60 s
 */
export async function runServer(spec: ServerSpec): Promise<ServerProcess> {
  let child: ChildProcess | undefined
  /** Whether it is meant to run: what a death means depends on it. */
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
    // A start under way loses its process, sees that it is no longer wanted, and gives up.
    await starting?.catch(() => undefined)
  }

  // A process that exits without disposing, after an error that nobody caught, takes its server along.
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
    // Written down before anything is awaited: a parent killed from here on leaves a child that will be found.
    if (child.pid) keep(dataDir, RECORD, identify(child.pid) ?? null)
    await once(child, 'spawn')
    // A signal that it could not be sent; that it goes on is seen.
    child.on('error', () => undefined)
    return { launched: child, logFrom }
  } catch (cause) {
    throw new Error(`${name} could not be started: ${file} ${cause instanceof Error ? cause.message : ''}`, { cause })
  } finally {
    closeSync(log)
  }
}

/** What the child makes is its user's alone. It inherits the mask at once, so this process has its own back. */
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
 * Ends the server that a killed parent has left running on these files; before `runServer`, and before its ports are
 * looked at.
 *
 * @returns whether there was one
 */
export async function stopLeftover({ name, dataDir, stopSignals, log }: ServerIdentity): Promise<boolean> {
  const left = readJson<ProcessIdentity | null>(join(dataDir, `${RECORD}.json`))
  if (!left || !isAlive(left)) return false
  log?.info({ server: name, pid: left.pid }, 'server left behind is stopped')
  for (const signal of stopSignals) {
    signalIfThere(left.pid, signal)
    const deadline = performance.now() + STOP_STEP_MS_MAX
    while (performance.now() < deadline) {
      if (!isAlive(left)) return true
      await sleep(POLL_MS)
    }
  }
  throw new Error(`${name}: process ${left.pid}, left behind in ${dataDir}, outlived ${stopSignals.join(', ')}`)
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

/** The end of what the server wrote since it was launched: the reason why it did not start stands there. */
function logTail({ dataDir }: ServerSpec, logFrom: number): string {
  const written = readFileSync(join(dataDir, 'server.log')).subarray(logFrom).toString()
  return written.trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n')
}
