/**
 * A provider of OpenID Connect that speaks the whole protocol over real HTTP, for tests: anybody signs in by writing a name, and
 * its answers can be forged with its own key.
 */
import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'

export const CLIENT_ID = 'deed-console'
export const CLIENT_SECRET = 'a-secret-of-the-client-with-characters-enough'

type Claims = Record<string, unknown>

interface Token {
  header: Claims
  claims: Claims
}

export interface OidcProvider extends AsyncDisposable {
  readonly issuer: string
  /** Changes each token for identity before it is signed, or replaces it by a text; undefined: none is changed. */
  forge: ((token: Token) => Token | string) | undefined
  /** Signs a token with the key of the provider. */
  sign(token: Token): string
  /** The claims of people, by the names that they sign in with. */
  readonly people: Record<string, Claims>
}

interface Options {
  redirectUrl: string
  /** Default: any free one. */
  port?: number
  /** Default: at the address of the user's information, as most providers do. */
  claimsInToken?: boolean
}

export async function startOidcProvider({
  redirectUrl,
  port = 0,
  claimsInToken = false,
}: Options): Promise<OidcProvider> {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const people: Record<string, Claims> = {}
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uris: [redirectUrl],
        post_logout_redirect_uris: [new URL('/', redirectUrl).href],
        backchannel_logout_uri: new URL('/api/sign-out/by-provider', redirectUrl).href,
        backchannel_logout_session_required: true,
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' }] },
    cookies: { keys: ['a key of the tests'] },
    claims: { openid: ['sub'], profile: ['preferred_username', 'groups', 'tenant', 'realm_access'] },
    conformIdTokenClaims: !claimsInToken,
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        logoutSource(context, form) {
          context.body = `<!doctype html><title>Sign out</title>${form}<button form="op.logoutForm" name="logout" value="yes">Yes</button>`
        },
      },
    },
    // The consoles of tests are at the loopback, which the library refuses to ask.
    fetch: (input, init) => fetch(input, { ...init, dispatcher: undefined } as RequestInit),
    interactions: { url: (_context, { uid }) => `/people/${uid}` },
    // Nobody is asked what the client may know.
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({ clientId: CLIENT_ID, accountId: oidc.session?.accountId ?? '' })
      grant.addOIDCScope('openid profile')
      await grant.save()
      return grant
    },
  })
  const found: OidcProvider = {
    ...{ issuer, people, forge: undefined },
    sign: (token) => signed({ ...token, header: { kid: 'one', ...token.header } }, privateKey),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  provider.use(async (context, next) => {
    if (context.path.startsWith('/people/')) {
      if (context.method === 'GET') {
        context.type = 'html'
        context.body =
          '<!doctype html><title>Sign in</title><form method="post"><label>Name <input name="name"></label> <button>Enter</button></form>'
        return
      }
      let body = ''
      for await (const chunk of context.req) body += String(chunk)
      const accountId = new URLSearchParams(body).get('name') ?? ''
      await provider.interactionFinished(context.req, context.res, { login: { accountId } })
      context.respond = false
      return
    }
    await next()
    const answer = context.body as { id_token?: string } | undefined
    if (context.path === '/token' && answer?.id_token !== undefined && found.forge)
      context.body = { ...answer, id_token: signed(found.forge(read(answer.id_token)), privateKey) }
  })
  server.on('request', provider.callback())
  return found
}

const decoded = (part = ''): Claims => JSON.parse(Buffer.from(part, 'base64url').toString()) as Claims
export const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function read(token: string): Token {
  const [header, claims] = token.split('.')
  return { header: decoded(header), claims: decoded(claims) }
}

function signed(token: Token | string, key: KeyObject): string {
  if (typeof token === 'string') return token
  const text = `${encoded(token.header)}.${encoded(token.claims)}`
  return `${text}.${createSign('sha256').update(text).sign(key, 'base64url')}`
}

/**
 * What a browser does between the console and the provider.
 *
 * @param url where the console sends it
 * @param name that the person writes there
 * @returns the query with which the provider sends it back
 */
export async function signInAt(url: string, name: string): Promise<string> {
  const cookies = new Map<string, string>()
  const visit = async (at: string, init: RequestInit = {}): Promise<string> => {
    const cookie = [...cookies].map(([key, value]) => `${key}=${value}`).join('; ')
    const response = await fetch(at, { ...init, redirect: 'manual', headers: { cookie } })
    for (const header of response.headers.getSetCookie()) {
      const [, key = '', value = ''] = /^([^=]+)=([^;]*)/.exec(header) ?? []
      cookies.set(key, value)
    }
    const location = response.headers.get('location')
    if (location === null) throw new Error(`${at}: ${response.status} ${await response.text()}`)
    return new URL(location, at).href
  }
  const form = await visit(url)
  const { origin } = new URL(url)
  let at = form
  if (form.startsWith(`${origin}/people/`))
    at = await visit(form, { method: 'POST', body: new URLSearchParams({ name }) })
  while (at.startsWith(origin)) at = await visit(at)
  return new URL(at).search
}
