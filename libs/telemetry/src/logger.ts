/**
 * Log lines: JSON on standard output, one object per line, without secrets.
 *
 * A line has `level`, `time` (milliseconds since 1970), `service`, `instance`, `msg` and the given fields; lines about an
 * execution have `execution_id` and `trace_id`, usually from `log.child({ execution_id, trace_id })`.
 */
import { hostname } from 'node:os'
import { type Logger, pino } from 'pino'
import { redact, registerSecretsOf } from './redact.ts'

export type Log = Logger

/** By service: one process may run several. */
const loggers = new Map<string, Set<Log>>()

/** Of the environment: LOG_LEVEL, or `info`. */
export const configuredLevel = (): string => process.env.LOG_LEVEL || 'info'

/** For all loggers that a service has made here, from now on. */
export function setLogLevel(service: string, level: string): void {
  for (const log of loggers.get(service) ?? []) log.level = level
}

/** Of the loggers of a service. */
export const logLevelOf = (service: string): string => [...(loggers.get(service) ?? [])][0]?.level ?? configuredLevel()

/**
 * A logger at the level of LOG_LEVEL, or `info`. The first one registers the secrets in the environment for redaction.
 *
 * @param fd 2 for a process whose standard output is reserved, such as a JSON-RPC server over stdio
 * @throws if LOG_LEVEL is not a level
 */
export function createLogger(service: string, fd: 1 | 2 = 1): Log {
  registerSecretsOf(process.env)
  const log = pino(
    {
      level: configuredLevel(),
      base: { service, instance: INSTANCE },
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: redact },
    },
    destinationOf(fd),
  )
  loggers.set(service, (loggers.get(service) ?? new Set()).add(log))
  return log
}

/** The process among all of the mesh: its host and its number there. */
const INSTANCE = `${hostname()}:${process.pid}`

const LINES_BYTES = 4_096
const FLUSH_MS = 100
/** Buffer for lines that cannot be written; lines beyond it are lost. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024

// One per file descriptor, shared by all loggers of a process, so that lines are neither reordered nor interleaved.
const destinations = new Map<number, ReturnType<typeof pino.destination>>()

function destinationOf(fd: number): ReturnType<typeof pino.destination> {
  const open = destinations.get(fd)
  if (open !== undefined) return open
  // A thread writes lines in batches under load; buffered lines are written as the process exits. A killed process
  // loses up to a tenth of a second.
  const opened = pino.destination({
    ...{ fd, sync: false, minLength: LINES_BYTES, periodicFlush: FLUSH_MS, maxLength: KEPT_BYTES_MAX },
  })
  outliveFullDisk(opened)
  destinations.set(fd, opened)
  return opened
}

/** Keeps working while lines cannot be written. Every flush retries; the number of lost lines is logged afterwards. */
function outliveFullDisk(opened: ReturnType<typeof pino.destination>): void {
  let failing = false
  let lost = 0
  // The library's own listener would end the process for any error but EPIPE.
  opened.prependListener('error', (error: NodeJS.ErrnoException) => {
    failing = error.code !== 'EPIPE'
  })
  opened.on('drop', () => lost++)
  opened.on('write', () => {
    if (!failing) return
    failing = false
    if (lost > 0)
      opened.write(`${JSON.stringify({ level: 'warn', time: Date.now(), instance: INSTANCE, lost, msg: LOST })}\n`)
    lost = 0
  })
  const flushSync = opened.flushSync.bind(opened)
  // Otherwise the process could not exit: the flush would wait for free space.
  opened.flushSync = () => {
    if (!failing) flushSync()
  }
}

const LOST = 'log lines were lost because they could not be written; check for a full disk'
