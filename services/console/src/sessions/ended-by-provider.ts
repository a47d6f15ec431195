/** Sessions that the provider has ended, by its own session or for a person, kept over restarts. */
import { createHash } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const FILE = 'ended-by-provider.json'
/** When each was ended, in milliseconds since 1970, by the hash of its name. */
const Ends = z.record(z.string(), z.int())

/** How the provider names a person, and its session with them. */
export interface NamedByProvider {
  readonly sub: string
  readonly sid?: string | undefined
}

export interface EndedByProvider {
  /** @param ended with `sid` this session of the provider, else all of the person up to that time */
  add(ended: Partial<NamedByProvider>, at: number): void
  has(session: NamedByProvider & { readonly began: number }): boolean
}

/** @param dataFolder that exists @param lifeMs how long a session lasts: what was ended before that is forgotten */
export function openEndedByProvider(dataFolder: string, lifeMs: number): EndedByProvider {
  const file = join(dataFolder, FILE)
  const ends = new Map(Object.entries(read(file)))
  return {
    add({ sub, sid }, at) {
      for (const [key, its] of ends) if (its < at - lifeMs) ends.delete(key)
      if (sid !== undefined) ends.set(keyOf('sid', sid), at)
      // A session of which the provider has not said its own name ends as well: which it is cannot be told.
      if (sub !== undefined) ends.set(keyOf(sid === undefined ? 'sub' : 'sub without sid', sub), at)
      writeFileSync(`${file}.new`, JSON.stringify(Object.fromEntries(ends)), { mode: 0o600 })
      renameSync(`${file}.new`, file)
    },
    has({ sub, sid, began }) {
      const endedAt = (kind: Kind, name: string): number => ends.get(keyOf(kind, name)) ?? Number.NEGATIVE_INFINITY
      return sid === undefined
        ? Math.max(endedAt('sub', sub), endedAt('sub without sid', sub)) >= began
        : endedAt('sub', sub) >= began || ends.has(keyOf('sid', sid))
    },
  }
}

type Kind = 'sid' | 'sub' | 'sub without sid'

const keyOf = (kind: Kind, name: string): string => createHash('sha256').update(`${kind}\0${name}`).digest('base64url')

function read(file: string): z.output<typeof Ends> {
  try {
    return Ends.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
}
