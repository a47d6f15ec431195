/** Serving over Streamable HTTP, a server for each path: the host, the page that asks and the token are checked before anything else. */
import { DeedError } from '@deed/proto/errors'
import type { Log } from '@deed/telemetry/logger'
import {
  type AuthInfo,
  createMcpHandler,
  hostHeaderValidationResponse,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  type McpServerFactory,
  originValidationResponse,
} from '@modelcontextprotocol/server'

const BODY_BYTES_MAX = 1_048_576
const STREAMS_MAX = 100

/** Who a request comes from; `forbidden`: somebody who is known, and not for this path. */
export type Authenticate = (header: string | undefined, path: string) => AuthInfo | 'wait' | 'forbidden' | undefined

interface Parts {
  /** Where programs reach it; absent: the loopback. */
  url: string | undefined
  authenticate: Authenticate
  log: Log
}

export interface HttpFace {
  fetch(request: Request): Promise<Response>
  close(): Promise<void>
}

/** @param factories by their paths */
export function httpFace(
  factories: Readonly<Record<string, McpServerFactory>>,
  { url, authenticate, log }: Parts,
): HttpFace {
  const handlers = new Map(
    Object.entries(factories).map(([path, factory]) => [
      path,
      createMcpHandler(factory, {
        maxRequestBodySize: BODY_BYTES_MAX,
        maxSubscriptions: STREAMS_MAX,
        onerror: (error) => log.info({ err: error }, 'a request was refused'),
      }),
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
      return handler.fetch(request, { authInfo })
    },
    async close() {
      await Promise.all([...handlers.values()].map((handler) => handler.close()))
    },
  }
}

function answer(status: number, code: DeedError['code'], message: string): Response {
  const headers = {
    'cache-control': 'no-store',
    ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    ...(status === 429 ? { 'retry-after': '60' } : {}),
  }
  return Response.json({ error: new DeedError(code, message).body }, { status, headers })
}
