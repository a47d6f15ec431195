/** One line of a service's log, for people. */
import type { LogLine } from '@deed/telemetry/read-logs'
import type { Paint, Style } from '../terminal/paint.ts'
import { plainLine } from '../terminal/plain-text.ts'

const STYLES: Partial<Record<string, Style>> = {
  warn: 'yellow',
  error: 'red',
  fatal: 'red',
  debug: 'dim',
  trace: 'dim',
}
const LEVEL_WIDTH = 5

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
