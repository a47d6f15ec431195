/**
 * Sessions over HTTP in revision 2025-11-25: the way back to a client, on which it is asked for what a person answers. A session holds
 * nothing of Deed, so a client that lost it starts another one. Later revisions have none.
 */
import { randomUUID } from 'node:crypto'
import {
  type AuthInfo,
  type McpServer,
  type McpServerFactory,
  type Server,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'

export interface SessionLimits {
  /** Open at once, of all clients. */
  readonly sessionsMax: number
  /** Open at once, of one client at one path. */
  readonly ofOwnerMax: number
  /** How long one without an open request or stream is kept, in milliseconds. */
  readonly idleMs: number
}

export const SESSION_LIMITS: SessionLimits = { sessionsMax: 256, ofOwnerMax: 16, idleMs: 1_800_000 }

/** A request of a client that was authenticated, and where. */
interface ClientRequest {
  readonly request: Request
  readonly path: string
  readonly authInfo: AuthInfo
}

interface Sessions {
  /** @returns undefined: as many as may be are in use */
  start(factory: McpServerFactory, given: ClientRequest): Promise<Response | undefined>
  /** @returns undefined: no session of this client and path has the id */
  serve(id: string, given: ClientRequest): Promise<Response | undefined>
  /** Starts none any more; each ends with its last request. */
  close(): void
}

interface Session {
  readonly id: string
  /** The client and the path: nobody else finds it. */
  readonly owner: string
  readonly server: McpServer | Server
  readonly transport: WebStandardStreamableHTTPServerTransport
  /** Requests and streams that are open. */
  open: number
  idle?: NodeJS.Timeout | undefined
}

export function openSessions(bodyBytesMax: number, { sessionsMax, ofOwnerMax, idleMs }: SessionLimits): Sessions {
  // The one that was used last comes last.
  const sessions = new Map<string, Session>()
  let closing = false

  function end({ id, idle, server }: Session): void {
    clearTimeout(idle)
    sessions.delete(id)
    server.close().catch(() => undefined)
  }

  function hasRoom(owner: string): boolean {
    const all = [...sessions.values()]
    const own = all.filter((one) => one.owner === owner)
    const full = own.length >= ofOwnerMax ? own : all.length >= sessionsMax ? all : undefined
    const unused = full?.find(({ open }) => open === 0)
    if (unused) end(unused)
    return full === undefined || unused !== undefined
  }

  /** Passes the request on, and keeps the session until the answer has ended. */
  async function exchange(session: Session, { request, authInfo }: ClientRequest): Promise<Response> {
    const release = (): void => {
      if (--session.open > 0 || !sessions.has(session.id)) return
      if (closing) end(session)
      else session.idle = setTimeout(end, idleMs, session).unref()
    }
    session.open++
    clearTimeout(session.idle)
    sessions.delete(session.id)
    sessions.set(session.id, session)
    const { body, status, headers } = await session.transport.handleRequest(request, { authInfo })
    if (body === null) release()
    // `cancel`, for a client that goes away, is missing in the types.
    const ended = { flush: release, cancel: release }
    return new Response(body?.pipeThrough(new TransformStream(ended)) ?? null, { status, headers })
  }

  return {
    async start(factory, given) {
      const [id, owner] = [randomUUID(), ownerOf(given)]
      const { request: requestInfo, authInfo } = given
      const transport = new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator: () => id,
        onsessionclosed: () => void sessions.delete(id),
        maxRequestBodySize: bodyBytesMax,
      })
      const server = await factory({ era: 'legacy', authInfo, requestInfo })
      await server.connect(transport)
      const session = { id, owner, server, transport, open: 0 }
      if (closing || !hasRoom(owner)) {
        end(session)
        return undefined
      }
      const response = await exchange(session, given)
      // What was refused has begun nothing.
      if (transport.sessionId === undefined) end(session)
      return response
    },
    async serve(id, given) {
      const session = sessions.get(id)
      return session?.owner === ownerOf(given) ? exchange(session, given) : undefined
    },
    close() {
      closing = true
      for (const session of sessions.values()) {
        session.transport.closeStandaloneSSEStream()
        if (session.open === 0) end(session)
      }
    },
  }
}

const ownerOf = ({ path, authInfo: { clientId, extra } }: ClientRequest): string =>
  JSON.stringify([path, clientId, extra])
