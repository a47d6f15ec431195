/** The life of a service's process: start, serve, drain when told to, exit. */
import { ConfigError } from '@deed/config/execution-config'
import { createLogger } from '@deed/telemetry/logger'
import { shutdownTelemetry } from '@deed/telemetry/shutdown'

const DRAIN_MS_MAX = 25_000

/** Exit code of a process whose configuration cannot be used (EX_CONFIG of sysexits.h). */
const EX_CONFIG = 78

/**
 * Runs what `start` opens until SIGTERM, SIGINT or the end of the parent that it has a channel to, then disposes of it and exits 0. A start that
 * fails exits 1, one that a setting spoils exits 78.
 */
export async function runUntilSignalled(service: string, start: () => Promise<AsyncDisposable>): Promise<void> {
  const log = createLogger(service)
  const signalled = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal))
    // Started by `deed up`: without it there is nobody to serve, and nobody to end this process.
    process.once('disconnect', () => resolve('parent gone'))
  })
  let running: AsyncDisposable
  try {
    running = await start()
  } catch (error) {
    log.fatal({ err: error }, 'start failed')
    process.exit(error instanceof ConfigurationError || error instanceof ConfigError ? EX_CONFIG : 1)
  }
  log.info('ready')
  process.send?.('ready')
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
