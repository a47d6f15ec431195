/** The output of a service in a file that is kept below a size: when it is full it becomes `<file>.1`, whose bytes go. */
import { closeSync, fstatSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'

/** Of one file; with the older one a service keeps at most twice as much. */
export const LOG_BYTES_MAX = 10 * 1024 * 1024

export const olderLog = (path: string): string => `${path}.1`

export interface RotatingLog extends Disposable {
  /** Does not throw: what a full disk does not take is dropped, since a service must not stop for its log. */
  write(chunk: Buffer): void
}

/** @throws {Error} of the operating system when the file cannot be opened */
export function openRotatingLog(path: string, bytesMax = LOG_BYTES_MAX): RotatingLog {
  // Written by something that kept to no bound: it must not live on as the older file.
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > bytesMax) rmSync(path)
  let file = openSync(path, 'a', 0o600)
  let size = fstatSync(file).size
  const rotate = () => {
    renameSync(path, olderLog(path))
    closeSync(file)
    file = openSync(path, 'a', 0o600)
    size = 0
  }
  return {
    write(chunk) {
      try {
        for (let at = 0; at < chunk.length; ) {
          if (size >= bytesMax) rotate()
          const written = writeSync(file, chunk, at, Math.min(chunk.length - at, bytesMax - size))
          at += written
          size += written
        }
      } catch {
        // No space, or the folder is gone: the rest of the chunk is dropped.
      }
    },
    [Symbol.dispose]: () => closeSync(file),
  }
}
