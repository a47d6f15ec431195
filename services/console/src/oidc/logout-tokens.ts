/**
 * Tokens with which the provider says that a session of its own has ended: back-channel logout of OpenID Connect. They are
 * checked with the library that openid-client is built on, by the keys that the provider publishes.
 *
 * @see https://openid.net/specs/openid-connect-backchannel-1_0.html
 */
import type { OidcSettings } from '@deed/config/oidc-settings'
import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { z } from 'zod'
import { Refusal } from '../guard/refusal.ts'
import type { NamedByProvider } from '../sessions/ended-by-provider.ts'

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/** An older one is not taken, so that its number has to be kept no longer. */
const AGE_S_MAX = 120
/** Those of a console's own secret, or of nobody, are none. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

const Claims = z
  .object({
    jti: z.string().min(1).max(512),
    iat: z.number(),
    sub: z.string().min(1).max(512).optional(),
    sid: z.string().min(1).max(512).optional(),
    events: z.object({ [EVENT]: z.record(z.string(), z.unknown()) }),
    // Of a sign-in.
    nonce: z.never().optional(),
  })
  .refine(({ sub, sid }) => sub !== undefined || sid !== undefined)

export interface LogoutTokens {
  /** @param jwksUri of the provider @returns whom it has ended. @throws {Refusal} for a token that fails a check, or a second time */
  read(token: string, issuer: string, jwksUri: string): Promise<Partial<NamedByProvider>>
}

export function openLogoutTokens({
  client_id: audience,
  clock_tolerance_s: clockTolerance,
}: OidcSettings): LogoutTokens {
  /** The end of each, by its number. */
  const taken = new Map<string, number>()
  let keys: { of: string; get: JWTVerifyGetKey } | undefined
  return {
    async read(token, issuer, jwksUri) {
      if (keys?.of !== jwksUri) keys = { of: jwksUri, get: createRemoteJWKSet(new URL(jwksUri)) }
      const checks = { issuer, audience, clockTolerance, algorithms: ALGORITHMS, maxTokenAge: AGE_S_MAX }
      const { payload } = await jwtVerify(token, keys.get, checks).catch((error: unknown) => {
        throw error instanceof errors.JOSEError ? refused(`${error.code}`) : error
      })
      const { data: claims } = Claims.safeParse(payload)
      if (claims === undefined) throw refused('it is no token of a sign-out')
      const now = Date.now()
      for (const [one, end] of taken) if (end < now) taken.delete(one)
      if (taken.has(claims.jti))
        throw new Refusal('replay', 'this token of a sign-out was used already', 'invalid_request')
      taken.set(claims.jti, now + 2 * (AGE_S_MAX + clockTolerance) * 1_000)
      const { sub, sid } = claims
      return { ...(sub === undefined ? {} : { sub }), ...(sid === undefined ? {} : { sid }) }
    },
  }
}

const refused = (why: string): Refusal =>
  new Refusal('sign_in', `the token of a sign-out by the provider is not valid (${why})`, 'invalid_request')
