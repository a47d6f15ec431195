/** The routes that nobody has to be signed in for: by a link or a token, and by a provider. */
import type { SignInWays } from '@deed/proto/console'
import { DeedError } from '@deed/proto/errors'
import type { Log } from '@deed/telemetry/logger'
import type { Context, Hono } from 'hono'
import { z } from 'zod'
import type { Attempts } from '../guard/attempts.ts'
import { Refusal } from '../guard/refusal.ts'
import type { Oidc } from '../oidc/oidc.ts'
import type { Session, Sessions } from '../sessions/sessions.ts'
import { addressOf, type Env, personOf, readBody } from './request.ts'

const Login = z.strictObject({ token: z.string().min(1).max(512) })
/** The provider asks there, so no page of the console does. */
export const BACK_CHANNEL_PATH = '/api/sign-out/by-provider'

/** The query that the provider sent the browser back with. */
const ProviderAnswer = z.strictObject({ response: z.string().startsWith('?').max(8_192) })

interface Parts {
  log: Log
  attempts: Attempts
  sessions: Sessions
  oidc: Oidc | undefined
  /** Closes the live connections of sessions that have ended. */
  endLiveOfEnded(): void
}

export function serveSignIn(app: Hono<Env>, { log, attempts, sessions, oidc, endLiveOfEnded }: Parts): void {
  /** @throws what `work` throws; a refusal counts as an attempt of this address */
  const enter = async (context: Context<Env>, work: () => Promise<{ session: Session; cookie: string }>) => {
    const address = addressOf(context) ?? ''
    attempts.check(address)
    try {
      const { session, cookie } = await work()
      const { role, token, provider } = session
      log.info({ address, ...personOf(session), role, token, by_provider: provider !== undefined }, 'signed in')
      context.header('set-cookie', cookie, { append: true })
      return context.body(null, 204)
    } catch (error) {
      if (error instanceof Refusal) attempts.failed(address)
      throw error
    }
  }
  const chosen = (): Oidc => {
    if (oidc === undefined)
      throw new DeedError('not_found', 'the console has no provider to sign in by; console.oidc names one')
    return oidc
  }

  app.post('/api/login', (context) =>
    enter(context, async () => {
      const { data } = Login.safeParse(await readBody(context))
      if (data === undefined) throw new Refusal('body', 'send {"token": "..."}')
      return sessions.signIn(data.token)
    }),
  )

  app.get('/api/sign-in', (context) => {
    const ways: SignInWays = { provider: oidc?.provider ?? null }
    return context.json(ways)
  })

  app.post('/api/sign-in/begin', async (context) => {
    attempts.check(addressOf(context) ?? '')
    const { url, cookie } = await chosen().begin()
    context.header('set-cookie', cookie)
    return context.json({ url })
  })

  // The provider itself asks, without a cookie: the token alone says what it may.
  app.post(BACK_CHANNEL_PATH, async (context) => {
    const address = addressOf(context) ?? ''
    attempts.check(address)
    try {
      const { logout_token: token } = await context.req.parseBody()
      if (typeof token !== 'string') throw new Refusal('body', 'send logout_token=..., as a form')
      const ended = await chosen().readLogout(token)
      sessions.endByProvider(ended)
      endLiveOfEnded()
      log.info({ address, one_session: ended.sid !== undefined }, 'the provider ended sessions')
      return context.body(null, 200)
    } catch (error) {
      if (error instanceof Refusal) attempts.failed(address)
      throw error
    }
  })

  app.post('/api/sign-in/finish', (context) =>
    enter(context, async () => {
      const provider = chosen()
      const { data } = ProviderAnswer.safeParse(await readBody(context))
      if (data === undefined) throw new Refusal('body', 'send {"response": "?code=...&state=..."}')
      const { person, named } = await provider.finish(context.req.header('cookie'), data.response)
      context.header('set-cookie', provider.endFlow(), { append: true })
      return sessions.signInByProvider(person, named)
    }),
  )
}
