/** The routes of the console: its page, who is signed in, and the calls of the page. */

import { jsonText } from '@deed/json/json-text'
import type { Bus } from '@deed/mesh/bus'
import type { ConsoleSession } from '@deed/proto/console'
import { DeedError, type ErrorBody } from '@deed/proto/errors'
import { CONSOLE_VERBS } from '@deed/proto/permissions'
import type { Log } from '@deed/telemetry/logger'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Addresses } from '../guard/addresses.ts'
import type { Attempts } from '../guard/attempts.ts'
import { Refusal, type Refusals } from '../guard/refusal.ts'
import type { Oidc } from '../oidc/oidc.ts'
import type { Passkeys } from '../passkeys/passkeys.ts'
import type { Session, Sessions } from '../sessions/sessions.ts'
import { callContract } from './call-contract.ts'
import { errorAnswer } from './error-answer.ts'
import { findTrace } from './find-trace.ts'
import { commonHeaders } from './headers.ts'
import { serveLogs } from './logs.ts'
import { formOf, INDEX, type Page } from './page.ts'
import { servePasskeys } from './passkeys.ts'
import { addressOf, type Env, originOf, personOf, readBody } from './request.ts'
import { openSharedReads } from './shared-reads.ts'
import { BACK_CHANNEL_PATH, serveSignIn } from './sign-in.ts'

/** As much as one message of NATS may have. */
const BODY_BYTES_MAX = 1_048_576
const YEAR_S = 31_536_000

export interface Parts {
  bus: Bus
  log: Log
  page: Page
  addresses: Addresses
  attempts: Attempts
  sessions: Sessions
  /** Undefined without a provider. */
  oidc: Oidc | undefined
  passkeys: Passkeys
  refusals: Refusals
  /** Closes the live connections of a session. */
  endLive(session: Session): void
  /** Closes those of all sessions that have ended. */
  endLiveOfEnded(): void
  /** Undefined where no logs are files. */
  logsFolder: string | undefined
  version: string
  jaegerUrl: string | null
}

export function consoleApp(parts: Parts): Hono<Env> {
  const { log } = parts
  const app = new Hono<Env>()
  guardRequests(app, parts)
  serveSignIn(app, parts)
  requireSession(app, parts)
  serveSession(app, parts)
  servePasskeys(app, parts.passkeys, log)
  serveLogs(app, parts)
  serveCalls(app, parts)
  app.all('/api/*', () => {
    throw new DeedError('not_found', 'the console has no such address')
  })
  servePage(app, parts.page)
  return app
}

/** What holds for every request: its headers and how it is refused, where it comes from, and its size. */
function guardRequests(app: Hono<Env>, { log, addresses, refusals }: Parts): void {
  const headers = Object.entries(commonHeaders(addresses.secure))
  app.onError((error, context) => {
    const about = { address: addressOf(context), path: context.req.path, ...personOf(context.get('session')) }
    if (error instanceof Refusal) refusals.note(error, about)
    else if (!(error instanceof DeedError)) log.error({ err: error, ...about }, 'answering a request failed')
    const { status, body } = errorAnswer(error)
    for (const [name, value] of headers) context.header(name, value)
    if (status === 429) context.header('retry-after', '60')
    context.header('cache-control', 'no-store')
    return context.json(body, status)
  })

  app.use(async (context, next) => {
    for (const [name, value] of headers) context.header(name, value)
    addresses.checkHost(context.req.header('host'))
    const { method, path } = context.req
    if (method !== 'GET' && method !== 'HEAD' && path !== BACK_CHANNEL_PATH) addresses.checkOrigin(originOf(context))
    await next()
  })

  app.use('/api/*', async (context, next) => {
    context.header('cache-control', 'no-store')
    await next()
  })
  app.use(
    '/api/*',
    bodyLimit({
      maxSize: BODY_BYTES_MAX,
      onError: () => {
        throw new Refusal('body', `a request has at most ${BODY_BYTES_MAX} bytes`, 'payload_too_large')
      },
    }),
  )
}

/** From here on, somebody is signed in, and what is not a read is of a page of the console. */
function requireSession(app: Hono<Env>, { sessions }: Parts): void {
  app.use('/api/*', async (context, next) => {
    const session = sessions.of(context.req.header('cookie'))
    context.set('session', session)
    if (context.req.method !== 'GET') sessions.checkCsrf(session, context.req.header('x-deed-csrf'))
    await next()
  })
}

function serveSession(app: Hono<Env>, parts: Parts): void {
  const { log, sessions } = parts
  app.post('/api/logout', async (context) => {
    const session = context.get('session')
    context.header('set-cookie', sessions.signOut(session))
    parts.endLive(session)
    log.info(personOf(session), 'signed out')
    const url = session.provider === undefined ? undefined : await parts.oidc?.signOutUrl()
    return url === undefined ? context.body(null, 204) : context.json({ url })
  })

  app.get('/api/session', (context) => {
    const session = context.get('session')
    const { tenant, user, role } = session
    const factors = parts.passkeys.of(session).length > 0 ? ['typed', 'passkey'] : ['typed']
    const answer: ConsoleSession = {
      ...{ tenant, user, role, verbs: CONSOLE_VERBS[role], csrf: sessions.csrfOf(session) },
      ...{ version: parts.version, jaeger_url: parts.jaegerUrl, factors },
    }
    return context.json(answer)
  })
}

function serveCalls(app: Hono<Env>, parts: Parts): void {
  const reads = openSharedReads()
  app.post('/api/call/:subject', async (context) => {
    const input = await readBody(context)
    const session = context.get('session')
    const subject = context.req.param('subject')
    const note = (error: ErrorBody): void =>
      parts.refusals.note(
        { reason: 'approval', ...error },
        { address: addressOf(context), path: context.req.path, ...personOf(session) },
      )
    const { signal } = context.req.raw
    const answer = await callContract({ ...parts, reads }, session, subject, input, { signal, note })
    return context.body(answer, 200, { 'content-type': 'application/json' })
  })

  app.get('/api/trace/:execution', async (context) => {
    const found = await findTrace(parts.bus, context.get('session'), context.req.param('execution'))
    return context.body(jsonText(found), 200, { 'content-type': 'application/json' })
  })
}

function servePage(app: Hono<Env>, page: Page): void {
  app.get('/assets/:name', (context) => {
    const file = page.get(`assets/${context.req.param('name')}`)
    if (file === undefined) throw new DeedError('not_found', 'the page has no such file; load it again')
    return send(context, file, `public, max-age=${YEAR_S}, immutable`)
  })
  // Every path is a state of the page, which says so itself where it knows none.
  app.get('*', (context) => {
    const file = page.get(INDEX)
    if (file === undefined) throw new Error('the page is not bundled')
    return send(context, file, 'no-cache')
  })
}

function send(context: Context<Env>, file: Parameters<typeof formOf>[0], cacheControl: string): Response {
  const { encoding, body } = formOf(file, context.req.header('accept-encoding'))
  return context.body(body, 200, {
    'content-type': file.type,
    'cache-control': cacheControl,
    vary: 'accept-encoding',
    ...(encoding === 'identity' ? {} : { 'content-encoding': encoding }),
  })
}
