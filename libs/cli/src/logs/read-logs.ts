/** The logs of a mesh on this machine: files of one line per entry, one per service and an older one, in its data folder. */
import { createReadStream, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { olderLog } from '@deed/local/bounded-log'
import { type LogFilter, type LogLine, passes, readLogLine } from './log-line.ts'

/** Between two looks for new lines, in milliseconds. */
const POLL_MS = 250
const ENDING = '.log'

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
 */
export async function lastLines(
  folder: string,
  names: readonly string[],
  filter: LogFilter,
  count: number,
  positions: Positions = new Map(),
): Promise<Entry[]> {
  const found: { at: number; entry: Entry }[] = []
  const lastOf = async (lines: AsyncIterable<string>, service: string): Promise<typeof found> => {
    const last: typeof found = []
    let at = 0
    for await (const text of lines) {
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
    const last = await lastOf(linesFrom(file, service, positions), service)
    if (last.length < count) found.push(...(await lastOf(linesFrom(olderLog(file), service, new Map()), service)))
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
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
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
