/** Challenges for authenticators: each is for one session and one purpose, is answered once, and ends after minutes. */
import { createHash, randomBytes } from 'node:crypto'

const VALID_MS = 5 * 60_000
/** The oldest goes, if nobody answers them. */
const CHALLENGES_MAX = 1_000

export interface Challenges {
  /** @param purpose what the answer is for: its hash is in the challenge, so that the signature covers it */
  make(session: string, purpose: readonly string[]): Uint8Array<ArrayBuffer>
  /** @returns whether it was made for just this, and was not taken before */
  take(challenge: string, session: string, purpose: readonly string[]): boolean
}

/** @param now in milliseconds */
export function openChallenges(now: () => number = Date.now): Challenges {
  /** By the challenge in base64url, in the order in which they were made. */
  const open = new Map<string, { salt: Buffer; end: number }>()
  const hashed = (salt: Buffer, session: string, purpose: readonly string[]): Buffer =>
    createHash('sha256')
      .update(salt)
      .update(JSON.stringify([session, ...purpose]))
      .digest()
  return {
    make(session, purpose) {
      const salt = randomBytes(32)
      const challenge = hashed(salt, session, purpose)
      open.set(challenge.toString('base64url'), { salt, end: now() + VALID_MS })
      for (const oldest of open.keys()) {
        if (open.size <= CHALLENGES_MAX) break
        open.delete(oldest)
      }
      return new Uint8Array(challenge)
    },
    take(challenge, session, purpose) {
      const found = open.get(challenge)
      open.delete(challenge)
      if (found === undefined || found.end <= now()) return false
      return hashed(found.salt, session, purpose).toString('base64url') === challenge
    },
  }
}
