/** One line of a service's log, for people. */
import { LogLevel } from '@deed/proto/log-level'
import type { Paint, Style } from '../terminal/paint.ts'
import { plainLine } from '../terminal/plain-text.ts'

/** What a service has written: an object, or a line that is none, such as the last words of a process that crashed. */
export type LogLine = { readonly [field: string]: unknown } & { readonly text?: string }

/** What may be shown, and from when on. */
export interface LogFilter {
  /** The least level. */
  readonly level?: LogLevel | undefined
  /** The id of an execution, or its end. */
  readonly execution?: string | undefined
  /** In milliseconds since 1970. */
  readonly since?: number | undefined
  /** The services whose lines these are: several may share a log. */
  readonly services?: readonly string[] | undefined
}

const STYLES: Partial<Record<string, Style>> = {
  warn: 'yellow',
  error: 'red',
  fatal: 'red',
  debug: 'dim',
  trace: 'dim',
}
const LEVEL_WIDTH = 5

export function readLogLine(line: string): LogLine {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as LogLine
  } catch {
    // Not of the logger.
  }
  return { text: line }
}

/** A line that is no object passes where nothing is asked of it that only an object has. */
export function passes(line: LogLine, { level, execution, since, services }: LogFilter): boolean {
  if (line.text !== undefined) return level === undefined && execution === undefined && since === undefined
  if (services !== undefined && typeof line.service === 'string' && !services.includes(line.service)) return false
  if (level !== undefined && rank(line.level) < rank(level)) return false
  if (since !== undefined && !(Number(line.time) >= since)) return false
  return execution === undefined || (typeof line.execution_id === 'string' && line.execution_id.endsWith(execution))
}

const rank = (level: unknown): number => LogLevel.options.indexOf(level as LogLevel)

/** Time, level, service and message; what else it says as `key=value`. */
export function logLineText(line: LogLine, service: string, paint: Paint): string {
  if (line.text !== undefined)
    return `${' '.repeat('00:00:00.000'.length)} ${paint('dim', service)}  ${plainLine(line.text)}`
  const { time, level, service: _service, instance: _instance, msg, err, ...facts } = line
  const word = String(level).padEnd(LEVEL_WIDTH)
  const style = STYLES[String(level)]
  const rest = Object.entries({ ...facts, ...(err === undefined ? {} : { err: errorText(err) }) })
  return plainParts([
    clock(time),
    style ? paint(style, word) : word,
    paint('cyan', service),
    plainLine(String(msg ?? '')),
    ...rest.map(([key, value]) => paint('dim', `${key}=`) + plainLine(valueText(value))),
  ])
}

const plainParts = (parts: readonly string[]): string => parts.filter((part) => part !== '').join(' ')

/** The time of day in UTC, as all times of the command are. */
const clock = (time: unknown): string =>
  typeof time === 'number' && Number.isFinite(time) ? new Date(time).toISOString().slice(11, 23) : '?'

const valueText = (value: unknown): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return typeof value === 'string' && /[\s"=]/.test(text) ? JSON.stringify(text) : text
}

/** The sentence of an error; its stack is in the file, and with --json. */
const errorText = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'message' in error ? error.message : error
