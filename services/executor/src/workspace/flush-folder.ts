/**
 * Folders onto disk, once for all who wait for the same: a caller that comes while one is being written shares the next time
 * with all that come until then.
 */
import { fstatSync, fsync } from 'node:fs'
import { promisify } from 'node:util'

export const flush = promisify(fsync)

/** By what the folder is, not by what it is called: two of one name may follow one another. */
const underWay = new Map<string, { readonly now: Promise<void>; next?: Promise<void> }>()

/** What was done in the folder before this was called is on disk when it resolves. @param fd open until then */
export function flushFolder(fd: number): Promise<void> {
  const { dev, ino } = fstatSync(fd, { bigint: true })
  const folder = `${dev}/${ino}`
  const current = underWay.get(folder)
  if (!current) return begin(folder, fd)
  const next = () => begin(folder, fd)
  current.next ??= current.now.then(next, next)
  return current.next
}

function begin(folder: string, fd: number): Promise<void> {
  const one: { readonly now: Promise<void>; next?: Promise<void> } = { now: flush(fd) }
  underWay.set(folder, one)
  const over = () => {
    if (!one.next) underWay.delete(folder)
  }
  one.now.then(over, over)
  return one.now
}
