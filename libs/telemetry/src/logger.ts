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

// One for all loggers of a process, so that their lines neither overtake nor cut one another.
const destinations = new Map<number, ReturnType<typeof pino.destination>>()

function destinationOf(fd: number): ReturnType<typeof pino.destination> {
  const open = destinations.get(fd)
  if (open !== undefined) return open
  // Lines are written by a thread, many at once while much is said; those still in memory are written as the process
  // exits. A process that is killed takes its last tenth of a second with it.
  const opened = pino.destination({ fd, sync: false, minLength: LINES_BYTES, periodicFlush: FLUSH_MS })
  destinations.set(fd, opened)
  return opened
}
