/** Serving over Streamable HTTP at one path: the host, the page that asks and the token are checked before anything else. */
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

/** Who a request comes from. */
export type Authenticate = (header: string | undefined) => AuthInfo | 'wait' | undefined

interface Parts {
  path: string
  /** Where programs reach it; absent: the loopback. */
  url: string | undefined
  authenticate: Authenticate
  log: Log
}

export interface HttpFace {
  fetch(request: Request): Promise<Response>
  close(): Promise<void>
}

export function httpFace(factory: McpServerFactory, { path, url, authenticate, log }: Parts): HttpFace {
  const handler = createMcpHandler(factory, {
    maxRequestBodySize: BODY_BYTES_MAX,
    maxSubscriptions: STREAMS_MAX,
    onerror: (error) => log.info({ err: error }, 'a request was refused'),
  })
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
      if (new URL(request.url).pathname !== path) return answer(404, 'not_found', `MCP is served at ${path}`)
      const authInfo = authenticate(request.headers.get('authorization') ?? undefined)
      if (authInfo === 'wait') return answer(429, 'rate_limited', 'too many tokens were refused; wait a minute')
      if (authInfo === undefined) {
        log.warn('refused a request without a known token')
        return answer(401, 'unauthenticated', 'send a token of mcp.tokens as "Authorization: Bearer <token>"')
      }
      return handler.fetch(request, { authInfo })
    },
    close: () => handler.close(),
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
