/** Sign-in by a provider of OpenID Connect: the authorization code flow with PKCE. No token of the provider is kept. */
import type { OidcSettings } from '@deed/config/oidc-settings'
import { SIGN_IN_PATH } from '@deed/proto/console'
import { DeedError } from '@deed/proto/errors'
import type { Log } from '@deed/telemetry/logger'
import * as client from 'openid-client'
import type { Cookie } from '../sessions/cookies.ts'
import type { NamedByProvider } from '../sessions/ended-by-provider.ts'
import type { Keys } from '../sessions/keys.ts'
import type { Person } from '../sessions/links.ts'
import { unusable, unverified } from './faults.ts'
import { openFlows } from './flows.ts'
import { openLogoutTokens } from './logout-tokens.ts'
import { type Claims, claimOf, claimsNeeded, personOf } from './person.ts'

const REQUEST_S_MAX = 10

export interface Oidc {
  /** The host of the provider, for people. */
  readonly provider: string
  /** @throws {DeedError} unavailable, if the provider cannot be used */
  begin(): Promise<{ url: string; cookie: string }>
  /**
   * @param response the query that the provider sent the browser back with
   * @throws {Refusal} if anything of it does not fit; {DeedError} unavailable
   */
  finish(cookies: string | undefined, response: string): Promise<SignedInPerson>
  /**
   * @param token with which the provider says that a session of its own has ended
   * @returns whose sessions end. @throws {Refusal} if it fails a check; {DeedError} unavailable
   */
  readLogout(token: string): Promise<Partial<NamedByProvider>>
  /** @returns a header that removes what {@link begin} set */
  endFlow(): string
  /** @returns where to sign out of the provider; undefined if that is not configured, or it has no such address */
  signOutUrl(): Promise<string | undefined>
}

/** A person, and how the provider names them. */
export interface SignedInPerson {
  readonly person: Person
  readonly named: NamedByProvider
}

interface Parts {
  settings: OidcSettings
  secret: string | undefined
  keys: Keys
  cookie: Cookie
  /** Where people reach the console. */
  url: string
  log: Log
}

/** Asks the provider in the background: without it the console starts all the same. */
export function openOidc({ settings, secret, keys, cookie, url, log }: Parts): Oidc {
  const { issuer, client_id, scopes } = settings
  const flows = openFlows(keys, cookie)
  const logoutTokens = openLogoutTokens(settings)
  const redirect = new URL(SIGN_IN_PATH, url)
  let found: Promise<client.Configuration> | undefined
  const provider = (): Promise<client.Configuration> => {
    found ??= discover(settings, secret).catch((error: unknown) => {
      found = undefined
      throw error
    })
    return found
  }
  provider().then(
    () => log.info({ issuer, redirectUrl: redirect.href }, 'people can sign in by the provider'),
    (error: Error) => log.warn({ issuer }, error.message),
  )

  return {
    provider: new URL(issuer).host,
    async begin() {
      const configuration = await provider()
      const { flow, cookie: header } = flows.begin()
      const asked = client.buildAuthorizationUrl(configuration, {
        ...{ redirect_uri: redirect.href, scope: scopes.join(' '), state: flow.state, nonce: flow.nonce },
        code_challenge: await client.calculatePKCECodeChallenge(flow.verifier),
        code_challenge_method: 'S256',
      })
      return { url: asked.href, cookie: header }
    },
    async finish(cookies, response) {
      const { state, nonce, verifier } = flows.take(cookies)
      const configuration = await provider()
      const answered = new URL(redirect)
      answered.search = response
      const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true }
      try {
        const tokens = await client.authorizationCodeGrant(configuration, answered, checks)
        const claims: Claims = { ...tokens.claims() }
        const sub = String(claims.sub)
        const named = { sub, ...(typeof claims.sid === 'string' ? { sid: claims.sid } : {}) }
        const complete = claimsNeeded(settings).every((name) => claimOf(claims, name) !== undefined)
        if (complete || configuration.serverMetadata().userinfo_endpoint === undefined)
          return { person: personOf(claims, settings), named }
        // What the token itself says counts first.
        const userInfo = await client.fetchUserInfo(configuration, tokens.access_token, sub)
        return { person: personOf({ ...userInfo, ...claims }, settings), named }
      } catch (error) {
        throw error instanceof DeedError ? error : unverified(settings, error)
      }
    },
    async readLogout(token) {
      const { issuer: named, jwks_uri } = (await provider()).serverMetadata()
      if (jwks_uri === undefined) throw unusable(issuer, new Error('it publishes no keys'))
      try {
        return await logoutTokens.read(token, named, jwks_uri)
      } catch (error) {
        throw error instanceof DeedError ? error : unusable(issuer, error)
      }
    },
    endFlow: () => flows.end(),
    async signOutUrl() {
      if (!settings.sign_out_of_provider) return undefined
      const configuration = await provider().catch(() => undefined)
      if (configuration?.serverMetadata().end_session_endpoint === undefined) return undefined
      return client.buildEndSessionUrl(configuration, { post_logout_redirect_uri: `${url}/` }).href
    },
  }

  /** @throws {DeedError} unavailable, with a sentence that names the key */
  async function discover(
    { clock_tolerance_s }: OidcSettings,
    given: string | undefined,
  ): Promise<client.Configuration> {
    try {
      const configuration = await client.discovery(
        new URL(issuer),
        client_id,
        { [client.clockTolerance]: clock_tolerance_s },
        given === undefined ? client.None() : bySecret(given),
        {
          timeout: REQUEST_S_MAX,
          // Without it, the signature of a token that comes over TLS is not checked.
          execute: [
            client.enableNonRepudiationChecks,
            ...(issuer.startsWith('http:') ? [client.allowInsecureRequests] : []),
          ],
        },
      )
      // Some providers have addresses that stand for every organization of theirs.
      const named = configuration.serverMetadata().issuer
      if (new URL(named).href !== new URL(issuer).href) throw new Error('it has another name for itself')
      return configuration
    } catch (error) {
      throw unusable(issuer, error)
    }
  }
}

/** In the header, or in the body of a provider that takes it there alone. */
const bySecret =
  (secret: string): client.ClientAuth =>
  (server, ...rest) => {
    const { token_endpoint_auth_methods_supported: methods = ['client_secret_basic'] } = server
    const way = methods.includes('client_secret_basic') ? client.ClientSecretBasic : client.ClientSecretPost
    way(secret)(server, ...rest)
  }
