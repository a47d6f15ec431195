/** Which process listens where a URL leads: by the sockets of /proc/net/tcp and the descriptors of processes. */
import { lookup } from 'node:dns/promises'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { pids as allPids, programOf } from './process-table.ts'

export type Listener =
  | { readonly of: 'service'; readonly pid: number }
  /** `pid` is absent where the process is another user's that this one may not look into. */
  | { readonly of: 'others'; readonly pid?: number; readonly name: string }
  | { readonly of: 'unseen'; readonly why: string }

export interface Socket {
  readonly address: string
  readonly port: number
  readonly uid: string
  readonly inode: string
}

const LISTENS = '0A'
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }

export const portOf = (url: string): number => Number(new URL(url).port) || DEFAULT_PORTS[new URL(url).protocol] || 0

/** In a sentence. */
export const textOf = (url: string, { pid, name }: Extract<Listener, { of: 'others' }>): string =>
  `port ${portOf(url)} is held by ${pid === undefined ? name : `process ${pid} (${name})`}, which is not of this service`

/**
 * @param pids of the service's processes
 * @returns who listens; others as soon as one of several is not of the service; `undefined`: nobody does
 */
export async function listenerAt(url: string, pids: ReadonlySet<number>): Promise<Listener | undefined> {
  const { hostname } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  const addresses = isIP(host) ? [host] : (await lookup(host, { all: true })).map(({ address }) => address)
  const local = addresses.filter(isLocal)
  if (local.length === 0) return { of: 'unseen', why: `${host} is no address of this host` }
  const sockets = listeningSockets(portOf(url))
  const inodes = new Map(
    local.flatMap((address) => reached(sockets, canonical(address))).map((one) => [one.inode, one]),
  )
  let found: Listener | undefined
  const own = new Map<string, number>()
  const closed = [...pids].filter((pid) => !addSockets(pid, own))
  for (const [inode, { uid }] of inodes) {
    const pid = own.get(inode)
    if (pid !== undefined) {
      found ??= { of: 'service', pid }
      continue
    }
    const other = ownerOf(inode, pids)
    if (other !== undefined) return { of: 'others', pid: other, name: programOf(other) }
    if (closed.length === 0) return { of: 'others', name: `a process of the user with id ${uid}` }
    found = { of: 'unseen', why: `/proc/${closed[0]}/fd cannot be read` }
  }
  return found
}

/** The sockets that a connection to the address may get to: the kernel prefers the most specific. */
function reached(sockets: readonly Socket[], address: string): Socket[] {
  const wanted = isIP(address) === 4 ? [address, canonical(`::ffff:${address}`), '0.0.0.0', '::'] : [address, '::']
  for (const one of wanted) {
    const found = sockets.filter((socket) => socket.address === one)
    if (found.length > 0) return found
  }
  return []
}

/** The sockets of TCP on which processes of this host listen. @param only on this port; absent: on any */
export function listeningSockets(only?: number): Socket[] {
  return ['/proc/self/net/tcp', '/proc/self/net/tcp6'].flatMap((path) => {
    const [, ...lines] = readLines(path)
    return lines.flatMap((line) => {
      const [, local = '', , state, , , , uid = '', , inode = ''] = line.trim().split(/\s+/)
      const [address = '', hexPort = ''] = local.split(':')
      const port = Number.parseInt(hexPort, 16)
      if (state !== LISTENS || (only !== undefined && port !== only)) return []
      return [{ address: addressOf(address), port, uid, inode }]
    })
  })
}

/** Which process has a socket, by its inode, as far as this one may see into others. */
export function socketOwners(): ReadonlyMap<string, number> {
  const owners = new Map<string, number>()
  for (const pid of allPids()) addSockets(pid, owners)
  return owners
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'latin1').trimEnd().split('\n')
  } catch {
    // No such family on this host.
    return []
  }
}

/** Written in words of 32 bits, each in the order of the processor, which is little-endian wherever Node runs. */
function addressOf(hex: string): string {
  const words = hex.match(/.{8}/g) ?? []
  const bytes = words.flatMap((word) => [...Buffer.from(word, 'hex').reverse()])
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[at * 2]! << 8) | bytes[at * 2 + 1]!).toString(16))
  return canonical(groups.join(':'))
}

const canonical = (address: string): string =>
  isIP(address) === 6 ? new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1) : address

function isLocal(address: string): boolean {
  if (/^127\./.test(address)) return true
  const own = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map((one) => canonical(one.address)))
  return ['::1', '::', '0.0.0.0', ...own].includes(canonical(address))
}

/** @returns whether the descriptors of the process could be read; one that has ended has none */
function addSockets(pid: number, to: Map<string, number>): boolean {
  const folder = `/proc/${pid}/fd`
  try {
    for (const fd of readdirSync(folder)) {
      const inode = inodeAt(`${folder}/${fd}`)
      if (inode !== undefined) to.set(inode, pid)
    }
    return true
  } catch (error) {
    return ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')
  }
}

function inodeAt(path: string): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(path))?.[1]
  } catch {
    // Closed meanwhile.
    return undefined
  }
}

function ownerOf(inode: string, without: ReadonlySet<number>): number | undefined {
  return allPids().find((pid) => {
    if (without.has(pid)) return false
    const sockets = new Map<string, number>()
    addSockets(pid, sockets)
    return sockets.has(inode)
  })
}
