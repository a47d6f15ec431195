/**
 * Log lines: JSON on standard output, one object per line, without secrets.
 *
 * A line has `level`, `time` (milliseconds since 1970), `service`, `pid`, `msg` and the given fields; lines about an
 * execution have `execution_id` and `trace_id`, usually from `log.child({ execution_id, trace_id })`.
 */
import { type Logger, pino } from 'pino'
import { redact, registerSecretsOf } from './redact.ts'

export type Log = Logger

/**
 * A logger at the level of LOG_LEVEL, or `info`. The first one registers the secrets in the environment for redaction.
 *
 * @param fd 2 for a process whose standard output is reserved, such as a JSON-RPC server over stdio
 * @throws if LOG_LEVEL is not a level
 */
export function createLogger(service: string, fd: 1 | 2 = 1): Log {
  const { env } = process
  registerSecretsOf(env)
  return pino(
    {
      level: env.LOG_LEVEL || 'info',
      base: { service, pid: process.pid },
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: redact },
    },
    destinationOf(fd),
  )
}

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
      opened.write(`${JSON.stringify({ level: 'warn', time: Date.now(), pid: process.pid, lost, msg: LOST })}\n`)
    lost = 0
  })
  const flushSync = opened.flushSync.bind(opened)
  // Otherwise the process could not exit: the flush would wait for free space.
  opened.flushSync = () => {
    if (!failing) flushSync()
  }
}

const LOST = 'log lines were lost because they could not be written; check for a full disk'
