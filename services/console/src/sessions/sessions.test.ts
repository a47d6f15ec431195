import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { BearerToken } from '@deed/config/console-settings'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { CONSOLE_ROLES, CONSOLE_VERBS, ROLE_VERBS } from '@deed/proto/permissions'
import { afterAll, describe, expect, it } from 'vitest'
import { openCookie } from './cookies.ts'
import { openEndedByProvider } from './ended-by-provider.ts'
import { openKeys } from './keys.ts'
import { hashOf, openLinks } from './links.ts'
import { openSessions } from './sessions.ts'
import { openSignedOut } from './signed-out.ts'

const opened = new DisposableStack()
afterAll(() => opened.dispose())

const ANN = { tenant: 'acme', user: 'ann', role: 'operator' } as const
const BEARER = 'a-token-of-32-characters-or-more-x'
const BEARERS: BearerToken[] = [{ name: 'ci', sha256: hashOf(BEARER), tenant: 'acme', user: 'ci', role: 'viewer' }]

function open(
  folder = opened.use(temporaryFolder()).path,
  { bearers = BEARERS, port = 20_000, at = Date.now(), providerMark = 'a' } = {},
) {
  const clock = { at }
  const now = (): number => clock.at
  const keys = openKeys(folder)
  const links = openLinks(now)
  const signedOut = openSignedOut(folder)
  const cookie = openCookie('session', { port, secure: false })
  const endedByProvider = openEndedByProvider(folder, 3_600_000)
  const sessions = openSessions({
    ...{ keys, links, signedOut, endedByProvider, bearers, providerMark, hours: 1, cookie, now },
  })
  return { clock, folder, keys, links, sessions }
}

const headerOf = (cookie: string): string => cookie.split(';')[0] ?? ''
const refusedFor = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    return (error as { reason: string }).reason
  }
  return 'nothing'
}

describe('a one-time link', () => {
  it('signs one person in, once', () => {
    const { links, sessions } = open()
    const { token } = links.make(ANN)
    const { cookie } = sessions.signIn(token)
    expect(sessions.of(headerOf(cookie))).toMatchObject(ANN)
    expect(refusedFor(() => sessions.signIn(token))).toBe('replay')
  })

  it('is void after ten minutes, and in another console', () => {
    const one = open()
    const { token } = one.links.make(ANN)
    expect(refusedFor(() => open().sessions.signIn(token))).toBe('sign_in')
    one.clock.at += 10 * 60_000
    expect(refusedFor(() => one.sessions.signIn(token))).toBe('sign_in')
  })
})

describe('a session', () => {
  it('is kept over a restart, and ends with its time', () => {
    const one = open()
    const { cookie } = one.sessions.signIn(one.links.make(ANN).token)
    const again = open(one.folder)
    expect(again.sessions.of(headerOf(cookie))).toMatchObject(ANN)
    again.clock.at += 3_600_001
    expect(refusedFor(() => again.sessions.of(headerOf(cookie)))).toBe('session')
  })

  it('is refused if a byte of it differs, or another key signed it', () => {
    const { links, sessions, keys } = open()
    const value = headerOf(sessions.signIn(links.make(ANN).token).cookie)
    const [name = '', text = '', signature = ''] = value.split(/[=.]/)
    const admin = Buffer.from(text, 'base64url').toString().replace('operator', 'admin')
    const forged = Buffer.from(admin).toString('base64url')
    for (const header of [
      `${name}=${forged}.${signature}`,
      `${name}=${text}.${signature.slice(1)}`,
      `${name}=${text}.`,
      `${name}=${text}`,
      `${name}=`,
      // Signed, for another purpose.
      `${name}=${text}.${keys.sign('csrf', text)}`,
      // Set by another page beside the true one.
      `${value}; ${value}`,
      '',
    ])
      expect(refusedFor(() => sessions.of(header))).toBe('session')
    expect(refusedFor(() => open().sessions.of(value))).toBe('session')
    keys.rotate()
    expect(refusedFor(() => sessions.of(value))).toBe('session')
  })

  it('has ended once it was signed out, also after a restart', () => {
    const { links, sessions, folder } = open()
    const { session, cookie } = sessions.signIn(links.make(ANN).token)
    expect(sessions.signOut(session)).toContain('Max-Age=0')
    expect(refusedFor(() => sessions.of(headerOf(cookie)))).toBe('session')
    expect(refusedFor(() => open(folder).sessions.of(headerOf(cookie)))).toBe('session')
  })

  it('by a provider ends when the provider or its mapping is another one', () => {
    const { sessions, folder } = open()
    const cookie = headerOf(sessions.signInByProvider(ANN, { sub: 'ann' }).cookie)
    expect(sessions.of(cookie)).toMatchObject(ANN)
    expect(open(folder).sessions.of(cookie)).toMatchObject(ANN)
    expect(refusedFor(() => open(folder, { providerMark: 'b' }).sessions.of(cookie))).toBe('session')
  })

  it('of a bearer token ends when the token is configured no longer, or for another role', () => {
    const { sessions, folder } = open()
    const cookie = headerOf(sessions.signIn(BEARER).cookie)
    expect(sessions.of(cookie)).toMatchObject({ user: 'ci', role: 'viewer' })
    expect(refusedFor(() => open(folder, { bearers: [] }).sessions.of(cookie))).toBe('session')
    const promoted = BEARERS.map((one): BearerToken => ({ ...one, role: 'admin' }))
    expect(refusedFor(() => open(folder, { bearers: promoted }).sessions.of(cookie))).toBe('session')
    expect(refusedFor(() => sessions.signIn(hashOf(BEARER)))).toBe('sign_in')
  })

  it('has a token against foreign pages that is that of no other session', () => {
    const { links, sessions } = open()
    const [one, other] = [1, 2].map(() => sessions.signIn(links.make(ANN).token).session)
    if (!one || !other) throw new Error('two sessions')
    expect(() => sessions.checkCsrf(one, sessions.csrfOf(one))).not.toThrow()
    expect(refusedFor(() => sessions.checkCsrf(one, sessions.csrfOf(other)))).toBe('csrf')
    expect(refusedFor(() => sessions.checkCsrf(one, undefined))).toBe('csrf')
  })

  it('is in a cookie that scripts and other sites cannot read, under the name of the port', () => {
    const { links, sessions } = open(undefined, { port: 23_456 })
    const { cookie } = sessions.signIn(links.make(ANN).token)
    expect(cookie).toMatch(/^deed_23456=[\w-]+\.[\w-]+; Max-Age=3600; Path=\/; HttpOnly; SameSite=Strict$/)
  })
})

describe('the key', () => {
  it('is readable by its owner alone', () => {
    const folder = join(opened.use(temporaryFolder()).path, 'console')
    mkdirSync(folder, { mode: 0o700 })
    openKeys(folder)
    expect(statSync(join(folder, 'session-key')).mode & 0o777).toBe(0o600)
  })
})

describe('the roles', () => {
  it('each have what the one before has, and more', () => {
    for (const [index, role] of CONSOLE_ROLES.entries()) {
      const before = CONSOLE_ROLES[index - 1]
      const lacking = (before ? CONSOLE_VERBS[before] : []).filter((verb) => !CONSOLE_VERBS[role].includes(verb))
      expect({ role, lacking }).toEqual({ role, lacking: [] })
      expect(CONSOLE_VERBS[role].length).toBeGreaterThan(before ? CONSOLE_VERBS[before].length : 0)
    }
  })

  it('change nothing, decide nothing and see no other tenant where they are not meant to', () => {
    const { viewer, operator, approver, admin } = CONSOLE_VERBS
    expect(
      viewer.filter((verb) => /put|delete|request|cancel|steer|decide|silence|pause|invalidate/.test(verb)),
    ).toEqual([])
    expect(operator.filter((verb) => /decide|grant\.(put|delete)|forget/.test(verb))).toEqual([])
    expect(approver.filter((verb) => /^(metrics|alert|log|doctor)\.|invalidate/.test(verb))).toEqual([])
    expect([...ROLE_VERBS.approver].filter((verb) => !admin.includes(verb))).toEqual(['execution.submit'])
    expect(
      admin.filter((verb) => /^(console\.|work\.|event|agent\.(process|learn)|task\.report|cache\.put)/.test(verb)),
    ).toEqual([])
  })
})

describe('a session by a provider', () => {
  it('ends with the session of the provider, or with all of its person, and stays ended over a restart', () => {
    const { folder, clock, sessions } = open()
    const begin = (sub: string, sid?: string) =>
      headerOf(sessions.signInByProvider(ANN, { sub, ...(sid === undefined ? {} : { sid }) }).cookie)
    const [desk, phone, nameless, other] = [
      begin('ann', 'desk'),
      begin('ann', 'phone'),
      begin('ann'),
      begin('bob', 'x'),
    ]
    const all = (of: typeof sessions) =>
      [desk, phone, nameless, other].map((cookie) => refusedFor(() => of.of(cookie)) === 'nothing')
    expect(all(sessions)).toEqual([true, true, true, true])
    sessions.endByProvider({ sid: 'desk', sub: 'ann' })
    // Of which session of the provider the third one is, nobody knows.
    expect(all(sessions)).toEqual([false, true, false, true])
    sessions.endByProvider({ sub: 'ann' })
    expect(all(sessions)).toEqual([false, false, false, true])
    clock.at += 1
    expect(refusedFor(() => sessions.of(begin('ann', 'later')))).toBe('nothing')
    expect(all(open(folder).sessions)).toEqual([false, false, false, true])
  })
})
