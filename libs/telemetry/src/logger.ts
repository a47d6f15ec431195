/**
 * Log lines: JSON on standard output, one object a line, with nothing secret in them.
 *
 * A line carries `level`, `time` (milliseconds since 1970), `service`, `pid`, `msg` and the fields it is given;
 * lines about an execution carry `execution_id` and `trace_id`, most simply from `log.child({ execution_id, trace_id })`.
 */
import { type Logger, pino } from 'pino'
import { redact, registerSecretsOf } from './redact.ts'

export type Log = Logger

/**
 * A logger at the level that LOG_LEVEL names, or `info`. From the first on, the secrets in the environment are
 * registered for redaction.
 *
 * @param fd 2 for a process whose standard output is spoken for, such as a server of JSON-RPC over stdio
 * @throws when LOG_LEVEL is no level
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
/** Kept while they cannot be written; what is said beyond that is lost. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024

// One for all loggers of a process, so that their lines neither overtake nor cut one another.
const destinations = new Map<number, ReturnType<typeof pino.destination>>()

function destinationOf(fd: number): ReturnType<typeof pino.destination> {
  const open = destinations.get(fd)
  if (open !== undefined) return open
  // Lines are written by a thread, many at once while much is said; those still in memory are written as the process
  // exits. A process that is killed takes its last tenth of a second with it.
  const opened = pino.destination({
    ...{ fd, sync: false, minLength: LINES_BYTES, periodicFlush: FLUSH_MS, maxLength: KEPT_BYTES_MAX },
  })
  outliveFullDisk(opened)
  destinations.set(fd, opened)
  return opened
}

/** Work goes on while lines cannot be written. They are tried again at each flush; how many were lost is told then. */
function outliveFullDisk(opened: ReturnType<typeof pino.destination>): void {
  let failing = false
  let lost = 0
  // The library's own listener ends the process for anything but a reader that has gone.
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
  // Else the process could not end: it would wait for room.
  opened.flushSync = () => {
    if (!failing) flushSync()
  }
}

const LOST = 'log lines were lost: they could not be written; was the disk full?'
