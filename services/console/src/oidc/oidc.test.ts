// The console and a provider of OpenID Connect that speaks the real protocol, honestly and not.
import { createHmac } from 'node:crypto'
import { OidcSettings } from '@deed/config/oidc-settings'
import { freePort } from '@deed/local/kept-port'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { createLogger } from '@deed/telemetry/logger'
import {
  CLIENT_ID,
  CLIENT_SECRET,
  encoded,
  type OidcProvider,
  signInAt,
  startOidcProvider,
} from '@deed/test/oidc-provider'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { openCookie } from '../sessions/cookies.ts'
import { openKeys } from '../sessions/keys.ts'
import { openOidc } from './oidc.ts'

const URL_OF_CONSOLE = 'http://127.0.0.1:20123'
const REDIRECT_URL = `${URL_OF_CONSOLE}/sign-in`
const log = createLogger('console')

const opened = new AsyncDisposableStack()
let provider: OidcProvider
beforeAll(async () => {
  provider = opened.use(await startOidcProvider({ redirectUrl: REDIRECT_URL, claimsInToken: true }))
  Object.assign(provider.people, {
    ann: { groups: ['everybody', 'deed-approvers', 'deed-viewers'], tenant: 'acme', realm_access: { roles: ['x'] } },
    bob: { groups: ['everybody'] },
    eve: {},
    mallory: { groups: ['toString', 'constructor', '__proto__', 1, null, ['deed-approvers']] },
    'Eve Smith': { groups: ['deed-viewers'] },
  })
})
afterEach(() => {
  provider.forge = undefined
})
afterAll(() => opened.disposeAsync())

type Given = Partial<z.input<typeof OidcSettings>>

const settingsOf = (given: Given) =>
  OidcSettings.parse({
    issuer: provider.issuer,
    client_id: CLIENT_ID,
    roles: { 'deed-approvers': 'approver', 'deed-viewers': 'viewer' },
    ...given,
  })

function consoleOf(given: Given = {}, { secret = CLIENT_SECRET, at = provider.issuer } = {}) {
  const keys = openKeys(opened.use(temporaryFolder()).path)
  const cookie = openCookie('oidc', { port: 20_123, secure: false })
  return openOidc({ settings: settingsOf({ issuer: at, ...given }), secret, keys, cookie, url: URL_OF_CONSOLE, log })
}
type Oidc = ReturnType<typeof consoleOf>

async function began(oidc: Oidc, name = 'ann') {
  const { url, cookie } = await oidc.begin()
  return { url, cookie: cookie.split(';')[0] ?? '', response: await signInAt(url, name) }
}

async function signedIn(oidc: Oidc, name?: string) {
  const { cookie, response } = await began(oidc, name)
  return (await oidc.finish(cookie, response)).person
}

const changed = (response: string, name: string, value: string): string => {
  const query = new URLSearchParams(response)
  query.set(name, value)
  return `?${query}`
}

describe('a person whom the provider signs in', () => {
  it('has the name of the claim, and the highest of the roles of their groups', async () => {
    expect(await signedIn(consoleOf())).toEqual({ tenant: 'local', user: 'ann', role: 'approver' })
  })

  it('has the tenant of the claim, where one is configured', async () => {
    expect(await signedIn(consoleOf({ tenant_claim: 'tenant' }))).toMatchObject({ tenant: 'acme', user: 'ann' })
  })

  it('has a role by a claim inside another', async () => {
    const oidc = consoleOf({ roles_claim: 'realm_access.roles', roles: { x: 'operator' } })
    expect(await signedIn(oidc)).toMatchObject({ role: 'operator' })
  })

  it('is found in what the provider says of the user, where the token does not say it', async () => {
    const other = opened.use(await startOidcProvider({ redirectUrl: REDIRECT_URL }))
    other.people.ann = { groups: ['deed-viewers'] }
    expect(await signedIn(consoleOf({}, { at: other.issuer }))).toMatchObject({ user: 'ann', role: 'viewer' })
  })

  it.each<[string, Given, string]>([
    ['bob', {}, 'console.oidc.roles'],
    ['eve', {}, 'console.oidc.roles_claim'],
    ['ann', { roles_claim: 'constructor' }, 'console.oidc.roles_claim'],
    ['mallory', {}, 'console.oidc.roles'],
    ['Eve Smith', {}, 'console.oidc.user_claim'],
    ['bob', { tenant_claim: 'tenant', roles: { everybody: 'viewer' } }, 'console.oidc.tenant_claim'],
  ])('is not let in without a role or a name: %s with %j', async (name, given, key) => {
    await expect(signedIn(consoleOf(given), name)).rejects.toMatchObject({
      ...{ reason: 'sign_in', code: 'forbidden', message: expect.stringContaining(key) },
    })
  })
})

describe('what the provider asks of the browser', () => {
  it('has a challenge, a state and a nonce that differ each time', async () => {
    const oidc = consoleOf()
    const [one, two] = [await oidc.begin(), await oidc.begin()].map(({ url }) => new URL(url).searchParams)
    expect(one?.get('code_challenge_method')).toBe('S256')
    for (const name of ['code_challenge', 'state', 'nonce']) {
      expect(one?.get(name)).toMatch(/^[\w-]{43}$/)
      expect(one?.get(name)).not.toBe(two?.get(name))
    }
    expect(one?.get('redirect_uri')).toBe(REDIRECT_URL)
  })
})

describe('an answer of the provider', () => {
  it('is refused with another state, issuer or code, or as an error', async () => {
    const oidc = consoleOf()
    for (const [name, value] of [
      ['state', 'x'.repeat(43)],
      ['iss', 'https://evil.example'],
      ['code', 'x'.repeat(43)],
      ['error', 'access_denied'],
    ] as const) {
      const { cookie, response } = await began(oidc)
      await expect(oidc.finish(cookie, changed(response, name, value)), name).rejects.toMatchObject({
        reason: 'sign_in',
      })
    }
  })

  it('is refused a second time, and so is its code from another browser', async () => {
    const oidc = consoleOf()
    const { cookie, response } = await began(oidc)
    await oidc.finish(cookie, response)
    await expect(oidc.finish(cookie, response)).rejects.toMatchObject({ reason: 'replay' })
    const other = await began(oidc, 'bob')
    const state = new URLSearchParams(other.response).get('state') ?? ''
    await expect(oidc.finish(other.cookie, changed(response, 'state', state))).rejects.toMatchObject({
      ...{ reason: 'sign_in', message: expect.stringContaining('used already') },
    })
  })

  it('is refused in a browser in which none began, and with the code of another sign-in', async () => {
    const oidc = consoleOf()
    const [ann, eve] = [await began(oidc), await began(oidc, 'eve')]
    for (const cookie of [undefined, '', 'deed_oidc_20123=x.y.z', `${ann.cookie}x`, ann.cookie.replace(/\d/, 'f')])
      await expect(oidc.finish(cookie, ann.response), cookie ?? 'none').rejects.toMatchObject({ reason: 'sign_in' })
    // The verifier and the nonce are of the flow of eve, whose state is given.
    const state = new URLSearchParams(eve.response).get('state') ?? ''
    await expect(oidc.finish(eve.cookie, changed(ann.response, 'state', state))).rejects.toMatchObject({
      reason: 'sign_in',
    })
  })
})

const now = (): number => Math.floor(Date.now() / 1_000)

describe('a token of the provider', () => {
  const hour = 3_600
  it.each<[string, NonNullable<OidcProvider['forge']>, string]>([
    ['another nonce', (token) => ({ ...token, claims: { ...token.claims, nonce: 'x'.repeat(43) } }), 'another sign-in'],
    ['no nonce', ({ header, claims: { nonce, ...claims } }) => ({ header, claims }), 'not valid'],
    [
      'another audience',
      (token) => ({ ...token, claims: { ...token.claims, aud: 'other' } }),
      'console.oidc.client_id',
    ],
    [
      'another issuer',
      (token) => ({ ...token, claims: { ...token.claims, iss: 'https://evil.example' } }),
      'console.oidc.issuer',
    ],
    [
      'an end in the past',
      (token) => ({ ...token, claims: { ...token.claims, iat: now() - 2 * hour, exp: now() - hour } }),
      'console.oidc.clock_tolerance_s',
    ],
    ['no person', ({ header, claims: { sub, ...claims } }) => ({ header, claims }), 'not valid'],
    ['the algorithm none', ({ claims }) => `${encoded({ alg: 'none' })}.${encoded(claims)}.`, 'not valid'],
    ['no signature', ({ header, claims }) => `${encoded(header)}.${encoded(claims)}.`, 'not valid'],
    [
      'a key of nobody',
      ({ header, claims }) => `${encoded({ ...header, kid: 'two' })}.${encoded(claims)}.AAAA`,
      'not valid',
    ],
    [
      'the secret of the client as its key',
      ({ claims }) => {
        const text = `${encoded({ alg: 'HS256' })}.${encoded(claims)}`
        return `${text}.${createHmac('sha256', CLIENT_SECRET).update(text).digest('base64url')}`
      },
      'not valid',
    ],
    [
      'groups that its signature does not cover',
      ({ header, claims }) =>
        `${encoded(header)}.${encoded({ ...claims, groups: ['deed-approvers'] })}.${'A'.repeat(342)}`,
      'not valid',
    ],
  ])('with %s is refused', async (_what, forge, why) => {
    const oidc = consoleOf()
    expect(await signedIn(oidc)).toMatchObject({ user: 'ann' })
    provider.forge = forge
    await expect(signedIn(oidc)).rejects.toMatchObject({ reason: 'sign_in', message: expect.stringContaining(why) })
  })

  it('within the tolerance of the clocks is taken', async () => {
    provider.forge = (token) => ({ ...token, claims: { ...token.claims, exp: now() - 20 } })
    await expect(signedIn(consoleOf())).rejects.toMatchObject({ reason: 'sign_in' })
    expect(await signedIn(consoleOf({ clock_tolerance_s: 60 }))).toMatchObject({ user: 'ann' })
  })
})

describe('a token of a sign-out', () => {
  const claims = () => ({
    ...{ iss: provider.issuer, aud: CLIENT_ID, iat: now(), exp: now() + 120, jti: crypto.randomUUID(), sub: 'ann' },
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  })

  it('names the person or the session of the provider, once', async () => {
    const oidc = consoleOf()
    const one = provider.sign({ header: { alg: 'RS256', typ: 'logout+jwt' }, claims: { ...claims(), sid: 'desk' } })
    expect(await oidc.readLogout(one)).toEqual({ sub: 'ann', sid: 'desk' })
    await expect(oidc.readLogout(one)).rejects.toMatchObject({ reason: 'replay' })
    expect(await oidc.readLogout(provider.sign({ header: { alg: 'RS256' }, claims: claims() }))).toEqual({ sub: 'ann' })
  })

  it.each<[string, (claims: Record<string, unknown>) => string]>([
    ['of another client', (own) => provider.sign({ header: { alg: 'RS256' }, claims: { ...own, aud: 'other' } })],
    [
      'of another provider',
      (own) => provider.sign({ header: { alg: 'RS256' }, claims: { ...own, iss: 'https://evil.example' } }),
    ],
    [
      'of long ago',
      (own) => provider.sign({ header: { alg: 'RS256' }, claims: { ...own, iat: now() - 3_600, exp: now() + 60 } }),
    ],
    ['that is one of a sign-in', (own) => provider.sign({ header: { alg: 'RS256' }, claims: { ...own, nonce: 'x' } })],
    ['without its event', (own) => provider.sign({ header: { alg: 'RS256' }, claims: { ...own, events: {} } })],
    ['of nobody', ({ sub, ...own }) => provider.sign({ header: { alg: 'RS256' }, claims: own })],
    ['without a number', ({ jti, ...own }) => provider.sign({ header: { alg: 'RS256' }, claims: own })],
    ['without a signature', (own) => `${encoded({ alg: 'none' })}.${encoded(own)}.`],
    ['that somebody has changed', (own) => `${encoded({ alg: 'RS256' })}.${encoded(own)}.${'A'.repeat(342)}`],
    [
      'signed with the secret of the client',
      (own) => {
        const text = `${encoded({ alg: 'HS256' })}.${encoded(own)}`
        return `${text}.${createHmac('sha256', CLIENT_SECRET).update(text).digest('base64url')}`
      },
    ],
    ['that is none', () => 'x'],
  ])('%s is refused', async (_what, token) => {
    await expect(consoleOf().readLogout(token(claims()))).rejects.toMatchObject({
      ...{ reason: 'sign_in', code: 'invalid_request' },
    })
  })
})

describe('a provider', () => {
  it('that cannot be reached is named with its key, and used once it can be', async () => {
    const port = await freePort()
    const at = `http://127.0.0.1:${port}`
    const oidc = consoleOf({}, { at })
    await expect(oidc.begin()).rejects.toMatchObject({
      ...{ code: 'unavailable', message: expect.stringMatching(/ECONNREFUSED.*console\.oidc\.issuer/) },
    })
    const late = opened.use(await startOidcProvider({ redirectUrl: REDIRECT_URL, port, claimsInToken: true }))
    late.people.ann = { groups: ['deed-viewers'] }
    expect(await signedIn(oidc)).toMatchObject({ user: 'ann' })
  })

  it('that has another name for itself is not used', async () => {
    const oidc = consoleOf({}, { at: `${provider.issuer}/`.replace('127.0.0.1', 'localhost') })
    await expect(oidc.begin()).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('that does not accept the secret says so, with the keys', async () => {
    await expect(signedIn(consoleOf({}, { secret: 'another' }))).rejects.toMatchObject({
      ...{ reason: 'sign_in', message: expect.stringContaining('console.oidc.client_secret_file') },
    })
  })

  it('is where one signs out too, if that is configured', async () => {
    expect(await consoleOf().signOutUrl()).toBeUndefined()
    const url = new URL((await consoleOf({ sign_out_of_provider: true }).signOutUrl()) ?? '')
    expect(url.origin).toBe(provider.issuer)
    expect(Object.fromEntries(url.searchParams)).toEqual({
      ...{ client_id: CLIENT_ID, post_logout_redirect_uri: `${URL_OF_CONSOLE}/` },
    })
  })
})
