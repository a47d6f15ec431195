/** All live connections: how they are let in, their beat, and their end. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Bus } from '@deed/mesh/bus'
import type { Heard } from '@deed/proto/console'
import { WebSocketServer } from 'ws'
import type { Addresses } from '../guard/addresses.ts'
import { Refusal, type Refusals } from '../guard/refusal.ts'
import type { Session, Sessions } from '../sessions/sessions.ts'
import { CLOSED, type Connection, openConnection } from './connection.ts'
import { openTenantFeeds } from './tenant-feeds.ts'

const PATH = '/api/live'
const BEAT_MS = 15_000
const CLOSE_MS_MAX = 2_000
const CONNECTIONS_MAX = 500
/** As many tabs. */
const CONNECTIONS_OF_SESSION_MAX = 20
const MESSAGE_BYTES_MAX = 4_096
const STATUSES = { unauthenticated: '401 Unauthorized', rate_limited: '429 Too Many Requests' } as const

interface Parts {
  bus: Bus
  addresses: Addresses
  sessions: Sessions
  refusals: Refusals
  beatMs?: number
}

export interface Live extends Disposable {
  /** A request to upgrade: it becomes a live connection, or is refused. */
  onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Closes the connections of a session. */
  end(session: Session): void
  /** Closes those of sessions that are not valid any longer. */
  endEnded(): void
  endAll(): void
}

export function openLive({ bus, addresses, sessions, refusals, beatMs = BEAT_MS }: Parts): Live {
  const server = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX, perMessageDeflate: false })
  const feeds = openTenantFeeds(bus)
  const connections = new Set<Connection>()
  let mesh = { connected: true, since: new Date().toISOString() }

  const letIn = ({ url, headers }: IncomingMessage): Session => {
    addresses.checkHost(headers.host)
    addresses.checkOrigin({ origin: headers.origin, host: headers.host, site: one(headers['sec-fetch-site']) })
    const session = sessions.of(headers.cookie)
    if (url?.split('?')[0] !== PATH) throw new Refusal('body', 'there is no live connection at this address')
    const own = [...connections].filter(({ session: { id } }) => id === session.id)
    if (own.length >= CONNECTIONS_OF_SESSION_MAX || connections.size >= CONNECTIONS_MAX)
      throw new Refusal('live_limit', 'too many pages are open; close some')
    return session
  }
  const endWhere = (condition: (session: Session) => boolean): void => {
    for (const { session, close } of connections)
      if (condition(session)) close(CLOSED.signedOut, 'the session has ended')
  }
  const endEnded = (): void => endWhere((session) => !sessions.isValid(session))
  const timer = setInterval(() => {
    endEnded()
    for (const one of connections) one.beat()
  }, beatMs)
  void (async () => {
    for await (const { type } of bus.nc.status()) {
      if (type !== 'disconnect' && type !== 'reconnect') continue
      mesh = { connected: type === 'reconnect', since: new Date().toISOString() }
      for (const one of connections) one.onMesh(mesh.connected, mesh.since)
    }
  })()

  return {
    onUpgrade(request, socket, head) {
      const address = request.socket.remoteAddress
      socket.on('error', () => socket.destroy())
      let session: Session
      try {
        session = letIn(request)
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        refusals.note(error, { address, path: PATH })
        return refuse(socket, error)
      }
      server.handleUpgrade(request, socket, head, (webSocket) => {
        const { tenant, user } = session
        const note: Parameters<typeof openConnection>[0]['note'] = (reason, message) =>
          refusals.note({ reason, message }, { address, path: PATH, tenant, user })
        const onClosed = (): void => {
          connections.delete(connection)
          listening[Symbol.dispose]()
        }
        const missedBy = (hears: Heard): number => feeds.missedBy(tenant, hears)
        const connection = openConnection({ bus, session, socket: webSocket, missedBy, note, onClosed })
        const listening = feeds.listen(tenant, connection)
        connections.add(connection)
        if (!mesh.connected) connection.onMesh(mesh.connected, mesh.since)
      })
    },
    end: ({ id }) => endWhere((session) => session.id === id),
    endEnded,
    endAll: () => endWhere(() => true),
    [Symbol.dispose]() {
      clearInterval(timer)
      for (const one of connections) one.close(CLOSED.goingAway, 'the console stops')
      // Who reads nothing answers nothing.
      setTimeout(() => {
        for (const socket of server.clients) socket.terminate()
      }, CLOSE_MS_MAX)
      feeds[Symbol.dispose]()
      server.close()
    },
  }
}

function refuse(socket: Duplex, error: Refusal): void {
  const body = JSON.stringify({ error: error.body })
  const status = STATUSES[error.code as keyof typeof STATUSES] ?? '403 Forbidden'
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

const one = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'string' ? header : header?.[0]
