/**
 * Sessions: signed cookies that say who is signed in, in which role and until when. Nothing is stored but the sessions that
 * were signed out before their end.
 */
import { randomUUID } from 'node:crypto'
import type { BearerToken } from '@deed/config/console-settings'
import { PrincipalName } from '@deed/proto/ids'
import { CONSOLE_ROLES } from '@deed/proto/permissions'
import { z } from 'zod'
import { Refusal } from '../guard/refusal.ts'
import type { Cookie } from './cookies.ts'
import type { EndedByProvider, NamedByProvider } from './ended-by-provider.ts'
import type { Keys } from './keys.ts'
import { hashOf, type Links, type Person } from './links.ts'
import type { SignedOut } from './signed-out.ts'

const Session = z.strictObject({
  id: z.uuid(),
  tenant: PrincipalName,
  user: PrincipalName,
  role: z.enum(CONSOLE_ROLES),
  /** The name of the bearer token that it began with: it ends with it. */
  token: z.string().optional(),
  /** The mark of the provider that it began with: it ends once the provider or its mapping is another one. */
  provider: z.string().optional(),
  /** How the provider names the person and its own session, and when this one began: the provider may end it. */
  at_provider: z.strictObject({ sub: z.string(), sid: z.string().optional(), began: z.int() }).optional(),
  /** In milliseconds since 1970. */
  expires: z.int(),
})
export type Session = z.output<typeof Session>

export interface Sessions {
  /** @param token of a one-time link, or a bearer token. @throws {Refusal} if it is neither */
  signIn(token: string): { session: Session; cookie: string }
  /** @param person whom the provider has named @param named how it names them and its session */
  signInByProvider(person: Person, named: NamedByProvider): { session: Session; cookie: string }
  /** @param cookies the header. @throws {Refusal} without a valid session */
  of(cookies: string | undefined): Session
  isValid(session: Session): boolean
  csrfOf(session: Session): string
  /** @throws {Refusal} unless it is the token of this session */
  checkCsrf(session: Session, token: string | undefined): void
  /** Ends what began by the provider, for a person or for one session of the provider. */
  endByProvider(ended: Partial<NamedByProvider>): void
  /** @returns a cookie that removes the one of the browser */
  signOut(session: Session): string
}

interface Parts {
  keys: Keys
  links: Links
  signedOut: SignedOut
  endedByProvider: EndedByProvider
  bearers: readonly BearerToken[]
  /** Of the provider and of what it is trusted for; undefined without one. */
  providerMark: string | undefined
  hours: number
  cookie: Cookie
  /** In milliseconds. */
  now?: () => number
}

export function openSessions(parts: Parts): Sessions {
  const { keys, links, signedOut, endedByProvider, bearers, providerMark, hours, cookie, now = Date.now } = parts
  const lifeMs = hours * 3_600_000

  const begin = (
    { tenant, user, role }: Person,
    by: Pick<Session, 'token' | 'provider' | 'at_provider'> = {},
  ): { session: Session; cookie: string } => {
    const session = { id: randomUUID(), tenant, user, role, expires: Math.floor(now() + lifeMs), ...by }
    const text = Buffer.from(JSON.stringify(session)).toString('base64url')
    const value = `${text}.${keys.sign('session', text)}`
    return { session, cookie: cookie.set(value, lifeMs) }
  }
  const isValid = ({ id, token, provider, at_provider: named, expires, tenant, user, role }: Session): boolean =>
    expires > now() &&
    !signedOut.has(id) &&
    (provider === undefined || provider === providerMark) &&
    (named === undefined || !endedByProvider.has(named)) &&
    (token === undefined ||
      bearers.some((one) => one.name === token && one.tenant === tenant && one.user === user && one.role === role))

  return {
    signIn(token) {
      const linked = links.use(token)
      if (linked) return begin(linked)
      const hash = hashOf(token)
      const bearer = bearers.find(({ sha256 }) => sha256 === hash)
      if (bearer) return begin(bearer, { token: bearer.name })
      throw new Refusal('sign_in', 'nobody is known by this token; `deed console` makes a link')
    },
    signInByProvider(person, named) {
      if (providerMark === undefined) throw new Error('there is no provider')
      return begin(person, { provider: providerMark, at_provider: { ...named, began: Math.floor(now()) } })
    },
    endByProvider: (ended) => endedByProvider.add(ended, Math.floor(now())),
    of(cookies) {
      const value = cookie.read(cookies)
      if (value === undefined) throw new Refusal('session', 'nobody is signed in; `deed console` makes a link')
      const [text = '', signature = ''] = value.split('.')
      if (!keys.isSigned('session', text, signature))
        throw new Refusal('session', 'the session is not one of this console; sign in again')
      // One of another release may say other things.
      const { data: session } = Session.safeParse(JSON.parse(Buffer.from(text, 'base64url').toString()))
      if (session === undefined || !isValid(session))
        throw new Refusal('session', 'the session has ended; sign in again')
      return session
    },
    isValid,
    csrfOf: ({ id }) => keys.sign('csrf', id),
    checkCsrf({ id }, token) {
      if (token === undefined || !keys.isSigned('csrf', id, token))
        throw new Refusal('csrf', 'the header x-deed-csrf is not that of the session; load the page again')
    },
    signOut({ id, expires }) {
      signedOut.add(id, expires)
      return cookie.clear()
    },
  }
}
