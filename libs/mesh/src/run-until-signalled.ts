/** The life of a service's process: start, serve, drain when told to, exit. */
import { ConfigError } from '@deed/config/execution-config'
import { createLogger } from '@deed/telemetry/logger'
import { shutdownTelemetry } from '@deed/telemetry/shutdown'
import { z } from 'zod'

const DRAIN_MS_MAX = 25_000

/** What a service says to its parent once it serves, and when a setting spoils its start. */
export const READY = 'ready'
export const ServiceFault = z.object({ configuration: z.string() })

/** Exit code of a process whose configuration cannot be used (EX_CONFIG of sysexits.h). */
export const EX_CONFIG = 78

/**
 * Runs what `start` opens until SIGTERM, SIGINT or the end of the parent that it has a channel to, then disposes of it and
 * exits 0. A start that fails exits 1, one that a setting spoils exits 78, one that is signalled exits at once: nothing
 * is in hand yet.
 */
export async function runUntilSignalled(service: string, start: () => Promise<AsyncDisposable>): Promise<void> {
  const log = createLogger(service)
  const signalled = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal))
    // Started by `deed up`: without it there is nobody to serve, and nobody to end this process.
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
    log.error('drain took too long')
    process.exit(1)
  }, DRAIN_MS_MAX)
  await running[Symbol.asyncDispose]()
  await shutdownTelemetry()
  clearTimeout(late)
  log.info('drained')
  process.exit(0)
}

/** A setting that cannot be used; the message names it. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
}
