/** What goes wrong between the console and a provider, as sentences that name the key to change. */
import type { OidcSettings } from '@deed/config/oidc-settings'
import { DeedError } from '@deed/proto/errors'
import * as client from 'openid-client'
import { Refusal } from '../guard/refusal.ts'

/** Codes of OAuth, as they are fit to be shown. */
const CODE = /^[a-z_]{1,64}$/

/** The provider cannot be asked at all. */
export function unusable(issuer: string, cause: unknown): DeedError {
  return new DeedError(
    'unavailable',
    `the provider ${issuer} cannot be used (${reasonOf(cause)}): check console.oidc.issuer; links and tokens sign people in all the same`,
    { cause },
  )
}

/** An answer that is an error, or that fails a check. */
export function unverified({ issuer }: OidcSettings, error: unknown): DeedError {
  if (error instanceof client.AuthorizationResponseError)
    return refused(`the provider did not sign you in (${shown(error.error)}); sign in again`)
  if (error instanceof client.ResponseBodyError)
    return refused(
      error.error === 'invalid_grant'
        ? 'the provider does not accept this sign-in: its code was used already or is too old; sign in again'
        : `the provider refuses the console (${shown(error.error)}); check console.oidc.client_id and console.oidc.client_secret_file`,
    )
  if (error instanceof client.WWWAuthenticateChallengeError)
    return refused('the provider refuses the console; check console.oidc.client_id and console.oidc.client_secret_file')
  if (!(error instanceof client.ClientError)) return unusable(issuer, error)
  // A failed connection has no code of its own.
  if (error.code === undefined || error.code === 'OAUTH_TIMEOUT') return unusable(issuer, error)
  return refused(sentenceOf(error.code, claimIn(error.cause)))
}

function sentenceOf(code: string, claim: string): string {
  if (code === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED')
    return 'the token of the provider has expired, or is of another time; sign in again, and if that does not help compare the clocks or raise console.oidc.clock_tolerance_s'
  if (claim === 'aud' || claim === 'azp')
    return 'the token of the provider is for another client; check console.oidc.client_id'
  if (claim === 'iss') return 'the token is of another provider; check console.oidc.issuer'
  if (claim === 'nonce') return 'the token of the provider is of another sign-in; sign in again'
  return `what the provider answered is not valid (${code}); sign in again`
}

function claimIn(cause: unknown): string {
  const inner = cause instanceof Error ? cause.cause : undefined
  const claim = typeof inner === 'object' && inner !== null && 'claim' in inner ? inner.claim : undefined
  return typeof claim === 'string' ? claim : ''
}

const refused = (why: string): Refusal => new Refusal('sign_in', why, 'forbidden')
const shown = (code: string): string => (CODE.test(code) ? code : 'an error')

/** The innermost message: `fetch failed` says nothing. */
function reasonOf(error: unknown): string {
  let at = error
  while (at instanceof Error && at.cause instanceof Error) at = at.cause
  const { code, message } = at as { code?: unknown; message?: unknown }
  return typeof message === 'string' && message !== '' ? message : String(code ?? 'unknown')
}
