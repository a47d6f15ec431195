/**
 * One-time links: each signs one person in, once, within minutes. The tokens are random and live in this process alone, so
 * none can be forged, and none outlives a restart.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { ConsoleRole } from '@deed/proto/permissions'
import { Refusal } from '../guard/refusal.ts'

const TOKEN_BYTES = 32
const VALID_MS = 10 * 60_000
/** The oldest goes, if nobody uses them. */
const LINKS_MAX = 1_000

/** A person, as they are let in. */
export interface Person {
  readonly tenant: string
  readonly user: string
  readonly role: ConsoleRole
}

export interface Links {
  make(person: Person): { token: string; expiresAt: number }
  /** @returns undefined for a token of no link. @throws {Refusal} for a link that was used, or is too old */
  use(token: string): Person | undefined
  clear(): void
}

/** The form in which tokens are kept and compared: an attacker who measures time learns nothing of the token. */
export const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex')

/** @param now in milliseconds */
export function openLinks(now: () => number = Date.now): Links {
  /** By the hash of the token, in the order in which they were made. */
  const links = new Map<string, { person: Person; expiresAt: number; used: boolean }>()
  return {
    make(person) {
      const token = randomBytes(TOKEN_BYTES).toString('base64url')
      const expiresAt = now() + VALID_MS
      links.set(hashOf(token), { person, expiresAt, used: false })
      for (const oldest of links.keys()) {
        if (links.size <= LINKS_MAX) break
        links.delete(oldest)
      }
      return { token, expiresAt }
    },
    use(token) {
      const link = links.get(hashOf(token))
      if (link === undefined) return undefined
      if (link.used) throw new Refusal('replay', 'this link was used already; `deed console` makes another')
      if (link.expiresAt <= now()) throw new Refusal('sign_in', 'this link is too old; `deed console` makes another')
      link.used = true
      return link.person
    },
    clear: () => links.clear(),
  }
}
