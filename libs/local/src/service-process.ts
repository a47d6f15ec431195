/** A service of the mesh as a child process: started, supervised, restarted when it dies. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ConfigError, EX_CONFIG } from '@deed/config/config-error'
import { MODULE_EXTENSION } from '@deed/config/module-extension'
import { READY, ServiceFault } from '@deed/process/run-until-signalled'
import { MetricsServed } from '@deed/process/serve-metrics'
import type { ServiceName } from '@deed/proto/contract'
import { boundLog } from './bounded-log.ts'
import { keep } from './data-folder.ts'
import { identify } from './process-identity.ts'
import type { Started } from './service-environment.ts'
import { THINKING } from './thinkers.ts'

const RELEASE = resolve(import.meta.dirname, '../../..')
/** Compiled code, cached between starts: saves half of the start time, and a fifth of the memory. */
export const COMPILE_CACHE = resolve(import.meta.dirname, '../../../node_modules/.cache/compiled')
const READY_MS_MAX = 60_000
const RESTART_MS_FIRST = 200
const RESTART_MS_MAX = 5_000
const STOP_MS_MAX = 30_000
const TAIL_LINES = 12

export interface ServiceOptions<Name extends string> {
  service: Name
  /** Added to the name of the log file, if several instances of a service run. */
  copy?: number
  env: Record<string, string>
  /** The folder of the log `<logDir>/<service>.log`, which is kept within bounds. */
  logDir: string
  /** The folder with the process's record, so that it is found after this process was killed. */
  recordDir?: string | undefined
  /** Aborts an incomplete start. */
  signal?: AbortSignal | undefined
  /** Restart it when it dies unexpectedly. Default: true. */
  supervise?: boolean
  /** The root of its release, which contains `services`. Default: this one. */
  release?: string | undefined
}

export interface ServiceProcess<Name extends string = ServiceName> extends AsyncDisposable {
  readonly service: Name
  /** Of the current process; undefined while there is none. */
  readonly pid: number | undefined
  /** Where the current process answers Prometheus; undefined if it does not. */
  readonly metricsUrl: string | undefined
  /** Sends SIGKILL. A supervised service restarts. */
  kill(): Promise<void>
  /**
   * Makes the running process die at this place, like `DEED_CRASH_AT`; it must have been started with `DEED_TEST=1`.
   */
  crashAt(place: string): Promise<void>
  /** Starts it unless it runs; settings may differ from the first start. */
  start(env?: Record<string, string>): Promise<void>
  /** Drains it with SIGTERM, without a restart. @returns its exit code */
  stop(): Promise<number | null>
}

/**
 * Starts a service, and waits until it reports that it is ready.
 *
 * @throws {ConfigError} for an unusable setting
 */
export async function startService<Name extends Started | typeof THINKING>(
  options: ServiceOptions<Name>,
): Promise<ServiceProcess<Name>> {
  const { service, logDir, recordDir, supervise = true, release = RELEASE } = options
  mkdirSync(logDir, { recursive: true, mode: 0o700 })
  const name = `${service}${options.copy ? `-${options.copy}` : ''}`
  const [folder, file] =
    service === THINKING
      ? ['libs/local', `src/thinking-main${MODULE_EXTENSION}`]
      : [`services/${service}`, `src/main${MODULE_EXTENSION}`]
  const logFile = join(logDir, `${name}.log`)
  const bounded = boundLog(logFile)
  let child: ChildProcess | undefined
  let exited: Promise<number | null> = Promise.resolve(null)
  let stopping = false
  let settings = options.env
  let restartMs = RESTART_MS_FIRST
  let metricsUrl: string | undefined

  const start = async (): Promise<void> => {
    const started = spawnService(join(release, folder), file, settings, logFile)
    child = started
    if (recordDir !== undefined && started.pid) keep(recordDir, name, identify(started.pid) ?? null)
    exited = new Promise((resolve) => {
      started.once('exit', (code) => resolve(code))
      // It could not be started, or its channel is closed, which its exit reports as well.
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
    metricsUrl = await untilReady(service, started, exited, logFile)
    restartMs = RESTART_MS_FIRST
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
    // The caller gets no handle to stop it, so it must neither continue nor restart.
    stopping = true
    child?.kill('SIGKILL')
    bounded[Symbol.dispose]()
    throw error
  } finally {
    options.signal?.removeEventListener('abort', abort)
  }
  const stop = async (): Promise<number | null> => {
    stopping = true
    const running = child
    running?.kill('SIGTERM')
    const late = setTimeout(() => running?.kill('SIGKILL'), STOP_MS_MAX)
    const code = await exited
    clearTimeout(late)
    return code
  }
  return {
    service,
    get pid() {
      return child?.pid
    },
    get metricsUrl() {
      return metricsUrl
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
      const gone = exited.then(() => Promise.reject(new Error(`${service} ended before the place to die was set`)))
      await Promise.race([heard, gone])
    },
    async start(env) {
      if (env) settings = env
      if (child === undefined) await start()
    },
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
      bounded[Symbol.dispose]()
    },
  }
}

function spawnService(cwd: string, file: string, settings: Record<string, string>, logFile: string): ChildProcess {
  // Written by the child itself, so that its last lines are not lost.
  const log = openSync(logFile, 'a', 0o600)
  try {
    const preload = resolve(cwd, `../../libs/telemetry/src/preload${MODULE_EXTENSION}`)
    return spawn(process.execPath, ['--expose-gc', '--import', preload, file], {
      cwd,
      env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...settings },
      // Ctrl+C in a terminal reaches the parent only, which then drains its children in order.
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
    })
  } finally {
    closeSync(log)
  }
}

/**
 * @returns where it answers Prometheus, if it does
 * @throws {ConfigError} if it ended for an unusable setting
 */
function untilReady(
  service: string,
  started: ChildProcess,
  exited: Promise<number | null>,
  logFile: string,
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${service} is not ready after ${READY_MS_MAX} ms`)), READY_MS_MAX)
    let metricsUrl: string | undefined
    let fault: string | undefined
    started.on('message', (message) => {
      metricsUrl = MetricsServed.safeParse(message).data?.metrics ?? metricsUrl
      fault ??= ServiceFault.safeParse(message).data?.configuration
      if (message !== READY) return
      clearTimeout(late)
      resolve(metricsUrl)
    })
    void exited.then((code) => {
      clearTimeout(late)
      const ended = `${service} ended with exit code ${code} before it was ready`
      if (code === EX_CONFIG) reject(new ConfigError(`${ended}\n${fault ?? tailOf(logFile)}`))
      else reject(new Error(`${ended}\n${tailOf(logFile)}`))
    })
  })
}

const tailOf = (file: string): string => readFileSync(file, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n')
