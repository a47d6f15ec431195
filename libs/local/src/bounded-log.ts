/**
 * Keeps the log of a service within bounds: where it is too long, it is copied to one older file and emptied.
 *
 * The process that writes appends, so it needs no part in this. Lines that it writes in the moment between the last byte
 * that is copied and the emptying are lost.
 */
import { appendFileSync, closeSync, fstatSync, openSync, readSync, rmSync, statSync, truncateSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { olderLog } from '@deed/telemetry/read-logs'

const BYTES_MAX = 20_000_000
const EVERY_MS = 5_000

/** Looks at the log now and then, until it is disposed. */
export function boundLog(file: string): Disposable {
  let running = false
  const timer = setInterval(() => {
    if (running) return
    running = true
    turnOver(file, BYTES_MAX)
      // The copy may have filled the disk; the next time there is more room.
      .catch(() => rmSync(olderLog(file), { force: true }))
      .finally(() => {
        running = false
      })
  }, EVERY_MS).unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/** Empties the log if it has more than so many bytes. */
export async function turnOver(file: string, bytesMax: number): Promise<void> {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (size <= bytesMax) return
  const older = olderLog(file)
  await copyFile(file, older)
  appendRest(file, older)
  truncateSync(file)
}

/** What was written while the copy was made. */
function appendRest(file: string, older: string): void {
  const from = openSync(file, 'r')
  try {
    const at = statSync(older).size
    const rest = Buffer.alloc(fstatSync(from).size - at)
    const length = readSync(from, rest, 0, rest.length, at)
    appendFileSync(older, rest.subarray(0, length))
  } finally {
    closeSync(from)
  }
}
