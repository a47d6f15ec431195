/** The lifecycle of a service's process: start, serve, drain on a signal, exit. */
import { ConfigError } from '@deed/config/execution-config'
import { createLogger } from '@deed/telemetry/logger'
import { shutdownTelemetry } from '@deed/telemetry/shutdown'
import { z } from 'zod'
import { ConfigurationError, EX_CONFIG } from './configuration-error.ts'

const DRAIN_MS_MAX = 25_000

/** The message of a service to its parent once it serves, and the one for an unusable setting. */
export const READY = 'ready'
export const ServiceFault = z.object({ configuration: z.string() })

/**
 * Runs what `start` opens until SIGTERM, SIGINT or the end of the parent that it has a channel to, then disposes it and
 * exits 0. A failed start exits 1, one with an unusable setting exits 78, one that is signalled exits at once: no work
 * is in progress yet.
 */
export async function runUntilSignalled(service: string, start: () => Promise<AsyncDisposable>): Promise<void> {
  const log = createLogger(service)
  const signalled = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal))
    // Started by `deed up`: without the parent there is nobody to serve, and nobody to end this process.
    process.once('disconnect', () => resolve('parent gone'))
  })
  let opened: AsyncDisposable | string
  try {
    opened = await Promise.race([start(), signalled])
  } catch (error) {
    log.fatal({ err: error }, 'start failed')
    if (!(error instanceof ConfigurationError || error instanceof ConfigError)) process.exit(1)
    if (!process.send) process.exit(EX_CONFIG)
    const fault: z.output<typeof ServiceFault> = { configuration: error.message }
    return void process.send(fault, () => process.exit(EX_CONFIG))
  }
  if (typeof opened === 'string') {
    log.info({ signal: opened }, 'stopped before it was ready')
    process.exit(0)
  }
  const running = opened
  log.info('ready')
  process.send?.(READY)
  const signal = await signalled
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
