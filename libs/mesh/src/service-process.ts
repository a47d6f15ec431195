/** A service of the mesh as a child process: started, watched, started again when it dies. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { keep } from '@deed/embedded/data-folder'
import { identify } from '@deed/embedded/process-identity'
import type { ServiceName } from '@deed/proto/contract'
import { ConfigurationError, EX_CONFIG, READY, ServiceFault } from './run-until-signalled.ts'

const RELEASE = resolve(import.meta.dirname, '../../..')
/** Compiled code, kept from one start to the next: half of what a start costs, and a fifth of the memory. */
export const COMPILE_CACHE = resolve(import.meta.dirname, '../../../node_modules/.cache/compiled')
const READY_MS_MAX = 60_000
const RESTART_MS_FIRST = 200
const RESTART_MS_MAX = 5_000
const STOP_MS_MAX = 30_000
const TAIL_LINES = 12

export interface ServiceOptions {
  service: ServiceName
  /** Added to the name of the log file, where several of a kind run. */
  copy?: number
  env: Record<string, string>
  /** Where the log goes: `<logDir>/<service>.log`. */
  logDir: string
  /** Folder where the process is recorded, so that it is found after this one was killed. */
  recordDir?: string | undefined
  /** Ends a start that has not come to its end. */
  signal?: AbortSignal | undefined
  /** Start it again when it dies without having been asked to. Default: true. */
  supervise?: boolean
  /** Root of the release that it is of, which holds `services`. Default: this one. */
  release?: string | undefined
}

export interface ServiceProcess extends AsyncDisposable {
  readonly service: ServiceName
  /** Of the process that runs now; undefined while there is none. */
  readonly pid: number | undefined
  /** Ends it with SIGKILL. A supervised one comes back by itself. */
  kill(): Promise<void>
  /** Has the process that runs die at this place, as `DEED_CRASH_AT` would; it was started with `DEED_TEST=1`. */
  crashAt(place: string): Promise<void>
  /** Starts it where it does not run; other settings than at first may be given. */
  start(env?: Record<string, string>): Promise<void>
  /** Drains it with SIGTERM, for good. @returns its exit code */
  stop(): Promise<number | null>
}

/**
 * Starts a service, and waits until it says that it is ready.
 *
 * @throws {ConfigurationError} when a setting spoils the start
 */
export async function startService(options: ServiceOptions): Promise<ServiceProcess> {
  const { service, logDir, recordDir, supervise = true, release = RELEASE } = options
  mkdirSync(logDir, { recursive: true, mode: 0o700 })
  const name = `${service}${options.copy ? `-${options.copy}` : ''}`
  const logFile = join(logDir, `${name}.log`)
  let child: ChildProcess | undefined
  let exited: Promise<number | null> = Promise.resolve(null)
  let stopping = false
  let settings = options.env
  let restartMs = RESTART_MS_FIRST

  const start = async (): Promise<void> => {
    // Written by the child itself, so that nothing stands between it and its last words.
    const log = openSync(logFile, 'a', 0o600)
    const started = spawn(process.execPath, ['--import', '@deed/telemetry/preload', 'src/main.ts'], {
      cwd: join(release, 'services', service),
      env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...settings },
      // A terminal's Ctrl+C reaches the parent alone, which then drains its children in order.
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
    })
    closeSync(log)
    child = started
    if (recordDir !== undefined && started.pid) keep(recordDir, name, identify(started.pid) ?? null)
    exited = new Promise((resolve) => {
      started.once('exit', (code) => resolve(code))
      // It could not be started, or its channel is closed, which its exit tells as well.
      started.on('error', () => started.pid === undefined && resolve(null))
    })
    void exited.then(() => {
      if (child === started) child = undefined
      if (stopping || !supervise || started.killed) return
      setTimeout(() => {
        if (!stopping && child === undefined) start().catch(() => undefined)
      }, restartMs).unref()
      restartMs = Math.min(restartMs * 2, RESTART_MS_MAX)
    })
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${service} is not ready after ${READY_MS_MAX} ms`)), READY_MS_MAX)
      let fault: string | undefined
      started.once('message', (message) => {
        fault = ServiceFault.safeParse(message).data?.configuration
        if (message !== READY) return
        clearTimeout(late)
        restartMs = RESTART_MS_FIRST
        resolve()
      })
      void exited.then((code) => {
        clearTimeout(late)
        const ended = `${service} ended with exit code ${code} before it was ready`
        if (code === EX_CONFIG) reject(new ConfigurationError(`${ended}\n${fault ?? tailOf(logFile)}`))
        else reject(new Error(`${ended}\n${tailOf(logFile)}`))
      })
    })
  }

  const abort = (): void => {
    stopping = true
    child?.kill('SIGTERM')
  }
  options.signal?.addEventListener('abort', abort)
  try {
    options.signal?.throwIfAborted()
    await start()
  } catch (error) {
    // Nobody is given what could end it, so it does not go on, nor come back.
    stopping = true
    child?.kill('SIGKILL')
    throw error
  } finally {
    options.signal?.removeEventListener('abort', abort)
  }
  const stop = async (): Promise<number | null> => {
    stopping = true
    const running = child
    if (!running) return exited
    running.kill('SIGTERM')
    const late = setTimeout(() => running.kill('SIGKILL'), STOP_MS_MAX)
    const code = await exited
    clearTimeout(late)
    return code
  }
  return {
    service,
    get pid() {
      return child?.pid
    },
    async kill() {
      if (child?.pid === undefined) return
      process.kill(child.pid, 'SIGKILL')
      await exited
    },
    async crashAt(place) {
      const running = child
      if (!running) throw new Error(`${service} does not run`)
      const heard = once(running, 'message')
      running.send({ crash_at: place })
      const gone = exited.then(() => Promise.reject(new Error(`${service} ended before it could be told where to die`)))
      await Promise.race([heard, gone])
    },
    async start(env) {
      if (env) settings = env
      if (child === undefined) await start()
    },
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
    },
  }
}

const tailOf = (file: string): string => readFileSync(file, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n')
