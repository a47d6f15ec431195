/** Serving over Streamable HTTP, a server for each path: the host, the page that asks and the token are checked before anything else. */
import { DeedError } from '@deed/proto/errors'
import type { Log } from '@deed/telemetry/logger'
import {
  type AuthInfo,
  createMcpHandler,
  hostHeaderValidationResponse,
  isInitializeRequest,
  isLegacyRequest,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  type McpServerFactory,
  originValidationResponse,
} from '@modelcontextprotocol/server'
import { openSessions, SESSION_LIMITS, type SessionLimits } from './sessions.ts'

const BODY_BYTES_MAX = 1_048_576
const STREAMS_MAX = 100
const TOO_MANY = 'as many sessions as may be are in use: end one with DELETE, or wait a minute'

/** Who a request comes from; `forbidden`: somebody who is known, and not for this path. */
export type Authenticate = (header: string | undefined, path: string) => AuthInfo | 'wait' | 'forbidden' | undefined

interface Parts {
  /** Where programs reach it; absent: the loopback. */
  url: string | undefined
  authenticate: Authenticate
  log: Log
  limits?: SessionLimits
}

export interface HttpFace {
  fetch(request: Request): Promise<Response>
  close(): Promise<void>
}

/** @param factories by their paths */
export function httpFace(
  factories: Readonly<Record<string, McpServerFactory>>,
  { url, authenticate, log, limits = SESSION_LIMITS }: Parts,
): HttpFace {
  const sessions = openSessions(BODY_BYTES_MAX, limits)
  const handlers = new Map(
    Object.entries(factories).map(([path, factory]) => [
      path,
      {
        factory,
        ...createMcpHandler(factory, {
          maxRequestBodySize: BODY_BYTES_MAX,
          maxSubscriptions: STREAMS_MAX,
          onerror: (error) => log.info({ err: error }, 'a request was refused'),
        }),
      },
    ]),
  )
  const given = url === undefined ? undefined : new URL(url).hostname
  const hosts = given === undefined ? localhostAllowedHostnames() : [given]
  const origins = given === undefined ? localhostAllowedOrigins() : [given]
  return {
    async fetch(request) {
      const refused = hostHeaderValidationResponse(request, hosts) ?? originValidationResponse(request, origins)
      if (refused) {
        log.warn({ status: refused.status }, 'refused a request by its host or origin')
        return refused
      }
      const { pathname: path } = new URL(request.url)
      const handler = handlers.get(path)
      if (handler === undefined) return answer(404, 'not_found', `MCP is served at ${[...handlers.keys()].join(', ')}`)
      const authInfo = authenticate(request.headers.get('authorization') ?? undefined, path)
      if (authInfo === 'wait') return answer(429, 'rate_limited', 'too many tokens were refused; wait a minute')
      if (authInfo === undefined) {
        log.warn('refused a request without a known token')
        return answer(401, 'unauthenticated', 'send a token of mcp.tokens as "Authorization: Bearer <token>"')
      }
      if (authInfo === 'forbidden') return answer(403, 'forbidden', `this token has no role at ${path}: see mcp.tokens`)
      const asked = { request, path, authInfo }
      const id = request.headers.get('mcp-session-id')
      if (await isLegacyRequest(request, undefined, { maxRequestBodySize: BODY_BYTES_MAX })) {
        if (id !== null) return (await sessions.serve(id, asked)) ?? noSession()
        if (await isFirst(request))
          return (await sessions.start(handler.factory, asked)) ?? answer(429, 'rate_limited', TOO_MANY)
      }
      // Without a session each request is served by itself.
      return handler.fetch(request, { authInfo })
    },
    async close() {
      sessions.close()
      await Promise.all([...handlers.values()].map((handler) => handler.close()))
    },
  }
}

/** Of a session, which it begins. */
const isFirst = async (request: Request): Promise<boolean> =>
  request.method === 'POST' &&
  isInitializeRequest(
    await request
      .clone()
      .json()
      .catch(() => undefined),
  )

/** A client starts again then. */
const noSession = (): Response =>
  Response.json({ jsonrpc: '2.0', error: { code: -32_001, message: 'Session not found' }, id: null }, { status: 404 })

function answer(status: number, code: DeedError['code'], message: string): Response {
  const headers = {
    'cache-control': 'no-store',
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    ...(status === 429 ? { 'retry-after': '60' } : {}),
  }
  return Response.json({ error: new DeedError(code, message).body }, { status, headers })
}
