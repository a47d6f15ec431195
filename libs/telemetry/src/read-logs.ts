/** The logs of a mesh on this machine: files of one line per entry, one per service and an older one, in its data folder. */
import { createReadStream, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LogLevel } from '@deed/proto/log-level'

/** Between two looks for new lines, in milliseconds. */
const POLL_MS = 250
const ENDING = '.log'

/** The file that has what a log had before it was emptied. */
export const olderLog = (file: string): string => `${file}.1`

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
  /** What the line has somewhere, in any case of its letters. */
  readonly text?: string | undefined
  /** The services whose lines these are: several may share a log. */
  readonly services?: readonly string[] | undefined
}

/** A line, with the service whose file has it. */
export interface Entry {
  readonly service: string
  readonly line: LogLine
}

/** Where reading continues, in bytes, by file. */
export type Positions = Map<string, number>

/** The names that have a log: of services, and `executor-2` where several instances run. */
export function logNames(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(ENDING))
      .map((name) => name.slice(0, -ENDING.length))
      .sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/**
 * The last lines that pass, of all files together, in the order of their times.
 *
 * @param positions is set to where each file ended
 * @param bytesMax of each file, from its end; what is before that is not read
 */
export async function lastLines(
  folder: string,
  names: readonly string[],
  filter: LogFilter,
  count: number,
  positions: Positions = new Map(),
  bytesMax = Number.POSITIVE_INFINITY,
): Promise<Entry[]> {
  const found: { at: number; entry: Entry }[] = []
  const wanted = filter.text?.toLowerCase()
  const lastOf = async (file: string, service: string, places: Positions): Promise<typeof found> => {
    const last: typeof found = []
    const from = Math.max(0, sizeOf(file) - bytesMax)
    // What begins in the middle of a line has half of it.
    let half = from > 0
    places.set(service, from)
    let at = 0
    for await (const text of linesFrom(file, service, places)) {
      if (half) {
        half = false
        continue
      }
      if (wanted !== undefined && !text.toLowerCase().includes(wanted)) continue
      const line = readLogLine(text)
      // A line without a time belongs to the one before it.
      if (typeof line.time === 'number') at = line.time
      if (!passes(line, filter)) continue
      last.push({ at, entry: { service, line } })
      if (last.length > 2 * count) last.splice(0, last.length - count)
    }
    return last.slice(-count)
  }
  for (const service of names) {
    const file = join(folder, service + ENDING)
    const last = await lastOf(file, service, positions)
    if (last.length < count) found.push(...(await lastOf(olderLog(file), service, new Map())))
    found.push(...last)
  }
  return found
    .sort((one, other) => one.at - other.at)
    .slice(-count)
    .map(({ entry }) => entry)
}

/**
 * New lines as they are written, without an end. A file that was emptied is read from its beginning, after the rest of what
 * it had, which is in the older file.
 */
export async function* newLines(
  folder: string,
  names: () => readonly string[],
  filter: LogFilter,
  positions: Positions,
): AsyncGenerator<Entry> {
  let readAt = Date.now()
  for (;;) {
    const before = readAt
    readAt = Date.now()
    for (const service of names()) {
      const file = join(folder, service + ENDING)
      for await (const text of newLinesOf(file, service, positions, before)) {
        const line = readLogLine(text)
        if (passes(line, filter)) yield { service, line }
      }
    }
    await sleep(POLL_MS)
  }
}

/** @param readAt when the file was read the last time: only then can the older file have a rest that was not */
async function* newLinesOf(
  file: string,
  service: string,
  positions: Positions,
  readAt: number,
): AsyncGenerator<string> {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  const copiedAt = statSync(olderLog(file), { throwIfNoEntry: false })?.mtimeMs ?? 0
  if (size < (positions.get(service) ?? 0)) {
    if (copiedAt >= readAt) yield* linesFrom(olderLog(file), service, positions)
    positions.set(service, 0)
  }
  yield* linesFrom(file, service, positions)
}

/** Whole lines from where the last reading ended; a line that is not ended yet is left for the next time. */
async function* linesFrom(file: string, name: string, positions: Positions): AsyncGenerator<string> {
  const size = sizeOf(file)
  const before = positions.get(name) ?? 0
  if (before >= size) return
  let at = before
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of createReadStream(file, { start: before, end: size - 1 })) {
    const bytes = Buffer.concat([rest, chunk])
    const end = bytes.lastIndexOf('\n')
    rest = bytes.subarray(end + 1)
    at += end + 1
    if (end > 0) yield* bytes.toString('utf8', 0, end).split('\n')
  }
  positions.set(name, at)
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0

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
