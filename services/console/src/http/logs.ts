/** What the services have written, where their logs are files of this machine: all of it for an admin, else of one execution. */
import type { Bus } from '@deed/mesh/bus'
import type { LogsFound, ShownLogLine } from '@deed/proto/console'
import { getExecution } from '@deed/proto/execution'
import { ExecutionId } from '@deed/proto/ids'
import { LogLevel } from '@deed/proto/log-level'
import { CONSOLE_VERBS } from '@deed/proto/permissions'
import { type Entry, lastLines, logNames } from '@deed/telemetry/read-logs'
import { redact } from '@deed/telemetry/redact'
import type { Hono } from 'hono'
import { z } from 'zod'
import { Refusal } from '../guard/refusal.ts'
import type { Session } from '../sessions/sessions.ts'
import type { Env } from './request.ts'

const LINES_MAX = 500
/** Of each log, from its end. */
const BYTES_MAX = 4_000_000
const FACT_CHARS_MAX = 2_000

const Query = z.strictObject({
  service: z.string().max(64).optional(),
  level: LogLevel.optional(),
  execution: ExecutionId.optional(),
  text: z.string().max(200).optional(),
})

interface Parts {
  bus: Bus
  /** Undefined where no logs are files. */
  logsFolder: string | undefined
}

export function serveLogs(app: Hono<Env>, { bus, logsFolder }: Parts): void {
  app.get('/api/logs', async (context) => {
    const { data: query } = Query.safeParse(context.req.query())
    if (query === undefined)
      throw new Refusal('body', 'name a service, a level, a text or an execution by its whole id')
    const session = context.get('session')
    await checkReader(bus, session, query.execution)
    if (logsFolder === undefined) return context.json({ here: false, services: [], lines: [] } satisfies LogsFound)
    const services = logNames(logsFolder)
    const wanted = services.filter((name) => query.service === undefined || name === query.service)
    const { execution, level, text = '' } = query
    const entries = await lastLines(logsFolder, wanted, { execution, level, text }, LINES_MAX, new Map(), BYTES_MAX)
    return context.json({ here: true, services, lines: entries.map(shown) } satisfies LogsFound)
  })
}

/** Lines are of all tenants, so an admin alone reads them; those of an execution are for all who may read it. */
async function checkReader(
  bus: Bus,
  { tenant, user, role }: Session,
  execution: ExecutionId | undefined,
): Promise<void> {
  if (execution !== undefined && CONSOLE_VERBS[role].includes(getExecution.subject))
    await bus.call(getExecution, { execution_id: execution }, { principal: { tenant, user } })
  else if (role !== 'admin') throw new Refusal('role', `the role ${role} reads the logs of one execution, not all`)
}

function shown({ service, line }: Entry): ShownLogLine {
  if (line.text !== undefined)
    return { service, at: null, level: null, message: redact(line.text), facts: [], more: null }
  const { time, level, service: own, instance: _instance, msg, err, ...facts } = line
  const { message, stack } = (typeof err === 'object' && err !== null ? err : {}) as {
    message?: unknown
    stack?: unknown
  }
  const all: [string, unknown][] = [
    ...Object.entries(facts),
    ...(err === undefined ? [] : [['err', message ?? err] as [string, unknown]]),
  ]
  return {
    service: typeof own === 'string' ? own : service,
    at: typeof time === 'number' && Number.isFinite(time) ? time : null,
    level: String(level),
    message: redact(String(msg ?? '')),
    facts: all.map(([name, value]) => [name, redact(textOf(value)).slice(0, FACT_CHARS_MAX)] as const),
    more: typeof stack === 'string' ? redact(stack) : null,
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
