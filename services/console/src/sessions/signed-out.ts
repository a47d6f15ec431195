/** Sessions that were signed out before their end, kept over restarts. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const FILE = 'signed-out.json'
/** The end of each, by its id. */
const Ends = z.record(z.uuid(), z.int())

export interface SignedOut {
  has(id: string): boolean
  /** @param end of the session, in milliseconds since 1970: it is forgotten then */
  add(id: string, end: number): void
}

/** @param dataFolder that exists */
export function openSignedOut(dataFolder: string): SignedOut {
  const file = join(dataFolder, FILE)
  const ends = new Map(Object.entries(read(file)))
  return {
    has: (id) => ends.has(id),
    add(id, end) {
      for (const [one, its] of ends) if (its < Date.now()) ends.delete(one)
      ends.set(id, end)
      writeFileSync(`${file}.new`, JSON.stringify(Object.fromEntries(ends)), { mode: 0o600 })
      renameSync(`${file}.new`, file)
    },
  }
}

function read(file: string): z.output<typeof Ends> {
  try {
    return Ends.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
}
