/**
 * Sign-ins that are on their way to the provider and back. The browser has a signed number and nothing else; state, nonce and
 * verifier are made of it with the key of the console, so nothing is kept but the numbers that were used.
 */
import { randomUUID } from 'node:crypto'
import { Refusal } from '../guard/refusal.ts'
import type { Cookie } from '../sessions/cookies.ts'
import type { Keys } from '../sessions/keys.ts'

const VALID_MS = 10 * 60_000

/** What binds the answer of the provider to the browser that asked. */
export interface Flow {
  readonly state: string
  readonly nonce: string
  /** Of PKCE. */
  readonly verifier: string
}

export interface Flows {
  begin(): { flow: Flow; cookie: string }
  /** Each is taken once. @param cookies the header. @throws {Refusal} where none began in this browser, or it was taken already */
  take(cookies: string | undefined): Flow
  /** @returns the header that removes it from the browser */
  end(): string
}

/** @param now in milliseconds */
export function openFlows(keys: Keys, cookie: Cookie, now: () => number = Date.now): Flows {
  /** The end of each, by its number. */
  const taken = new Map<string, number>()
  const flowOf = (id: string): Flow => ({
    state: keys.sign('oidc-state', id),
    nonce: keys.sign('oidc-nonce', id),
    verifier: keys.sign('oidc-verifier', id),
  })
  return {
    begin() {
      const id = `${randomUUID()}.${Math.floor(now() + VALID_MS)}`
      return { flow: flowOf(id), cookie: cookie.set(`${id}.${keys.sign('oidc-flow', id)}`, VALID_MS) }
    },
    take(cookies) {
      const [number = '', end = '', signature = ''] = (cookie.read(cookies) ?? '').split('.')
      const id = `${number}.${end}`
      if (!keys.isSigned('oidc-flow', id, signature) || Number(end) <= now())
        throw new Refusal(
          'sign_in',
          'this sign-in began in another browser, at another address, or more than ten minutes ago; begin again',
          'forbidden',
        )
      for (const [one, its] of taken) if (its <= now()) taken.delete(one)
      if (taken.has(id))
        throw new Refusal('replay', 'this answer of the provider was used already; sign in again', 'forbidden')
      taken.set(id, Number(end))
      return flowOf(id)
    },
    end: () => cookie.clear(),
  }
}
