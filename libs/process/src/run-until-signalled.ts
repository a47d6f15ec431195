/** The lifecycle of a service's process: start, serve, drain on a signal, exit. */
import { ConfigError, EX_CONFIG } from '@deed/config/config-error'
import { createLogger } from '@deed/telemetry/logger'
import { shutdownTelemetry } from '@deed/telemetry/shutdown'
import { z } from 'zod'
import { enterPhase } from './readiness.ts'

const DRAIN_MS_MAX = 25_000
const RELEASE_AFTER_MS = 5_000

const EVERYTHING = { type: 'major', execution: 'sync', flavor: 'last-resort' } as const

/** The message of a service to its parent once it serves, and the one for an unusable setting. */
export const READY = 'ready'
export const ServiceFault = z.object({ configuration: z.string() })

export interface Service {
  /** As in its log lines. */
  readonly name: string
  /** @param env its environment, which is that of the process unless several services share one */
  start(env: NodeJS.ProcessEnv): Promise<AsyncDisposable>
}

/**
 * Runs what `start` opens until SIGTERM, SIGINT or the end of the parent that it has a channel to, then disposes it and
 * exits 0. A failed start exits 1, one with an unusable setting exits 78, one that is signalled exits at once: no work
 * is in progress yet.
 */
export async function runUntilSignalled({ name, start }: Service): Promise<void> {
  const log = createLogger(name)
  const signalled = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal))
    // Started by `deed up`: without the parent there is nobody to serve, and nobody to end this process.
    process.once('disconnect', () => resolve('parent gone'))
  })
  let opened: AsyncDisposable | string
  try {
    opened = await Promise.race([start(process.env), signalled])
  } catch (error) {
    log.fatal({ err: error }, 'start failed')
    if (!(error instanceof ConfigError)) process.exit(1)
    if (!process.send) process.exit(EX_CONFIG)
    const fault: z.output<typeof ServiceFault> = { configuration: error.message }
    return void process.send(fault, () => process.exit(EX_CONFIG))
  }
  if (typeof opened === 'string') {
    log.info({ signal: opened }, 'stopped before it was ready')
    process.exit(0)
  }
  const running = opened
  enterPhase('serving')
  log.info('ready')
  process.send?.(READY)
  // What starting took V8 would keep for as long as little happens: a third of the memory. Takes a tenth of a second, once.
  setTimeout(() => globalThis.gc?.(EVERYTHING), RELEASE_AFTER_MS).unref()
  const signal = await signalled
  enterPhase('draining')
  log.info({ signal }, 'draining')
  const late = setTimeout(() => {
    log.error('draining took too long')
    process.exit(1)
  }, DRAIN_MS_MAX)
  await running[Symbol.asyncDispose]()
  await shutdownTelemetry()
  clearTimeout(late)
  log.info('drained')
  process.exit(0)
}
