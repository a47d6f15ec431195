/** The output of a process that Deed supervises, which its supervisor writes to files of this host. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { LINES_READ_MAX, type LogLine, linesWithOwnTimes } from './log-lines.ts'
import { olderLog } from './rotating-log.ts'
import { logOf } from './service-record.ts'

/** Of the end of each file. */
const BYTES_READ_MAX = 2 * 1024 * 1024

/** The newest lines; none where the service was never started here. */
export function processLog(dataFolder: string, name: string): LogLine[] {
  const path = logOf(dataFolder, name)
  const newest = endOf(path)
  // What was rotated just now is most of what is new.
  const older = newest.whole ? endOf(olderLog(path)).text : ''
  return linesWithOwnTimes(older + newest.text).slice(-LINES_READ_MAX)
}

/** The end of a file, from the beginning of a line on; `whole` where that is all of it. */
function endOf(path: string): { text: string; whole: boolean } {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { text: '', whole: true }
    throw error
  }
  try {
    const { size } = fstatSync(fd)
    const from = Math.max(0, size - BYTES_READ_MAX)
    const bytes = Buffer.alloc(size - from)
    const read = readSync(fd, bytes, 0, bytes.length, from)
    const text = bytes.subarray(0, read).toString()
    return from === 0 ? { text, whole: true } : { text: text.slice(text.indexOf('\n') + 1), whole: false }
  } finally {
    closeSync(fd)
  }
}
