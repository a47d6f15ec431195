/**
 * The one way out of a box: a proxy on a Unix socket that opens tunnels (HTTP CONNECT) to the hosts that an action may
 * reach, and to no other. A name is read once, resolved once, and the connection goes to the address that was checked.
 */
import { lookup } from 'node:dns'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, isIP, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionConfig } from '@deed/config/execution-config'
import { DeedError } from '@deed/proto/errors'
import type { World } from '../kind/kind.ts'
import { isBlocked } from './blocked-addresses.ts'
import { checkedLookup } from './guarded-request.ts'

export interface AllowedHost {
  /** As `example.com:443`, in lower case. */
  readonly authority: string
  /** It is in the configuration, so it may be a local one. */
  readonly trusted: boolean
}

export interface Tunnelled {
  bytesOut: number
  bytesIn: number
  connections: number
}

/** Disposing closes what is open. */
export interface Egress extends AsyncDisposable {
  readonly socketPath: string
  /** What went to and came from each host. */
  readonly tunnelled: ReadonlyMap<string, Tunnelled>
  /** Hosts that were asked for and not allowed; the first few. */
  readonly refused: ReadonlySet<string>
}

const HEAD_BYTES_MAX = 8 * 1024
const HEAD_MS_MAX = 10_000
const CONNECT_MS_MAX = 10_000
const CONNECTIONS_MAX = 64
const REFUSED_MAX = 16
const HTTPS_PORT = '443'

/**
 * @param named each a host, a host with a port, or the name of a target of type http
 * @throws {DeedError} `invalid_request`, `blocked_address`
 */
export function allowedHosts(
  named: readonly string[],
  { config, env }: { config: Pick<ExecutionConfig, 'targets'>; env: World['env'] },
): AllowedHost[] {
  return named.map((name) => {
    const target = config.targets[name]
    if (target?.type === 'http') {
      const url = URL.parse(target.url ?? env[target.url_env ?? ''] ?? '')
      if (!url) throw new DeedError('unknown_target', `the target ${name} has no URL`)
      const port = url.port || (url.protocol === 'https:' ? HTTPS_PORT : '80')
      return { authority: `${url.hostname}:${port}`, trusted: true }
    }
    const authority = readAuthority(name.includes(':') ? name : `${name}:${HTTPS_PORT}`)
    if (authority === undefined)
      throw new DeedError('invalid_request', `allow_hosts: ${JSON.stringify(name)} is no host, as in "example.com:443"`)
    const { host } = authority
    if (isIP(host) !== 0 || /(?:^|\.)localhost$/.test(host))
      throw new DeedError('blocked_address', `allow_hosts: ${host} is an address or local; name it as a target`)
    return { authority: `${host}:${authority.port}`, trusted: false }
  })
}

export async function openEgress(allowed: readonly AllowedHost[]): Promise<Egress> {
  // Short: the path of a socket has 108 bytes at most.
  const folder = mkdtempSync(join(tmpdir(), 'deed-egress-'))
  const socketPath = join(folder, 'proxy')
  const tunnelled = new Map<string, Tunnelled>()
  const refused = new Set<string>()
  const sockets = new Set<Socket>()
  const hold = (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
  }

  const server = createServer((inner) => {
    hold(inner)
    readHead(inner)
      .then(({ head, rest }) => {
        const wanted = readConnect(head)
        const found = wanted && allowed.find(({ authority }) => authority === wanted.authority)
        if (!wanted || !found) {
          if (wanted && refused.size < REFUSED_MAX) refused.add(wanted.authority)
          inner.end(`HTTP/1.1 ${wanted ? '403 Forbidden' : '405 Method Not Allowed'}\r\ncontent-length: 0\r\n\r\n`)
          return
        }
        const outer = connect({
          host: wanted.host,
          port: wanted.port,
          lookup: found.trusted ? lookup : checkedLookup(),
          timeout: CONNECT_MS_MAX,
        })
        hold(outer)
        outer.once('timeout', () => outer.destroy())
        outer.once('error', () => inner.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n'))
        outer.once('connect', () => {
          // An address that was written as one is not resolved, so it is checked here.
          if (!found.trusted && isBlocked(outer.remoteAddress ?? '')) {
            inner.destroy()
            outer.destroy()
            return
          }
          outer.setTimeout(0)
          tunnel(inner, outer, rest, counted(tunnelled, wanted.authority))
        })
      })
      .catch(() => inner.destroy())
  })
  // A connection that could not be accepted, for lack of file descriptors.
  server.on('error', () => undefined)
  server.maxConnections = CONNECTIONS_MAX
  server.listen({ path: socketPath, readableAll: true, writableAll: true })
  await once(server, 'listening')
  return {
    socketPath,
    tunnelled,
    refused,
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

interface Authority {
  readonly host: string
  readonly port: number
}

/** Letters, digits, dots and hyphens only: nothing that one reader takes for another host than the next. */
function readAuthority(text: string): Authority | undefined {
  const [, host = '', port = ''] = /^([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)\.?:(\d{1,5})$/i.exec(text) ?? []
  const number = Number(port)
  return host === '' || number < 1 || number > 65_535 ? undefined : { host: host.toLowerCase(), port: number }
}

function readConnect(head: string): (Authority & { authority: string }) | undefined {
  const [, text = ''] = /^CONNECT (\S+) HTTP\/1\.[01]\r\n/.exec(head) ?? []
  const found = readAuthority(text)
  return found && { ...found, authority: `${found.host}:${found.port}` }
}

/** @returns the request up to its empty line, and what came after that */
function readHead(socket: Socket): Promise<{ head: string; rest: Buffer }> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0)
    const timer = setTimeout(() => reject(new Error('the request did not come')), HEAD_MS_MAX)
    const onData = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      const end = bytes.indexOf('\r\n\r\n')
      if (end < 0 && bytes.length <= HEAD_BYTES_MAX) return
      clearTimeout(timer)
      socket.off('data', onData)
      socket.pause()
      if (end < 0) reject(new Error('the request is too long'))
      else resolve({ head: bytes.subarray(0, end + 2).toString('latin1'), rest: bytes.subarray(end + 4) })
    }
    socket.on('data', onData)
    socket.once('close', () => {
      clearTimeout(timer)
      reject(new Error('the connection was closed'))
    })
  })
}

function counted(tunnelled: Map<string, Tunnelled>, authority: string): Tunnelled {
  const known = tunnelled.get(authority) ?? { bytesOut: 0, bytesIn: 0, connections: 0 }
  known.connections++
  tunnelled.set(authority, known)
  return known
}

function tunnel(inner: Socket, outer: Socket, rest: Buffer, count: Tunnelled): void {
  inner.on('data', (chunk: Buffer) => {
    count.bytesOut += chunk.length
  })
  outer.on('data', (chunk: Buffer) => {
    count.bytesIn += chunk.length
  })
  inner.write('HTTP/1.1 200 Connection Established\r\n\r\n')
  count.bytesOut += rest.length
  outer.write(rest)
  inner.pipe(outer)
  outer.pipe(inner)
  inner.on('close', () => outer.destroy())
  outer.on('close', () => inner.destroy())
}
