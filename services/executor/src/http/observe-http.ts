/** Whether an HTTP endpoint answers as it should, and whether a port takes connections. */

import { lookup } from 'node:dns/promises'
import { connect, isIP } from 'node:net'
import { canonicalJson, sha256 } from '@deed/json/canonical-json'
import { DeedError } from '@deed/proto/errors'
import type { Json } from '@deed/proto/json'
import type { SingleObservation } from '@deed/proto/observation'
import type { Context } from '../kind/kind.ts'
import { failed, type Seen, verified } from '../kind/seen.ts'
import { isBlocked } from './blocked-addresses.ts'
import { guardedRequest } from './guarded-request.ts'
import { resolveUrl } from './resolve-url.ts'

type HttpObservation = Extract<SingleObservation, { kind: 'http' }>
type TcpObservation = Extract<SingleObservation, { kind: 'tcp' }>

const PROBE_MS_MAX = 5_000

export async function observeHttp(wanted: HttpObservation, { world, signal }: Context): Promise<Seen> {
  const { url, trustedOrigin, once } = resolveUrl(wanted, world)
  if (once)
    throw new DeedError(
      'invalid_request',
      `${wanted.path} of ${wanted.target} may be asked for only once, not to verify`,
    )
  let answer: Awaited<ReturnType<typeof guardedRequest>>
  try {
    answer = await guardedRequest({ method: 'GET', url, headers: {}, trustedOrigin, timeoutMs: PROBE_MS_MAX, signal })
  } catch (error) {
    // Nobody there is something that was seen; being kept from looking is not.
    if (error instanceof DeedError && error.code === 'unavailable') return failed(`${url}: ${error.message}`)
    throw error
  }
  const { status, body } = answer
  const facts = { status, bytes: body.length, body_sha256: sha256(body) }
  if (status !== wanted.status) return failed(`${url} answered ${status}, not ${wanted.status}`, facts)
  if (wanted.body_contains !== undefined && !body.includes(wanted.body_contains))
    return failed(`${url} answered ${status}, without ${JSON.stringify(wanted.body_contains)}`, facts)
  if (wanted.json !== undefined) {
    const found = valueAt(parseJson(body), wanted.json.path)
    if (found === undefined || canonicalJson(found) !== canonicalJson(wanted.json.equals))
      return failed(`${url} has ${JSON.stringify(found) ?? 'nothing'} at ${wanted.json.path}`, facts)
  }
  return verified(`${url} answered ${status}`, facts)
}

export async function observeTcp({ host, port }: TcpObservation, { world, signal }: Context): Promise<Seen> {
  const address = isIP(host) === 0 ? (await lookup(host)).address : host
  // A local port may be looked at where the configuration names it: as a target, or as the health probe of one.
  if (isBlocked(address) && !isConfigured(world.config.targets, host, port))
    throw new DeedError('blocked_address', `${host} is a local or reserved address, and no target has port ${port}`)
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, signal, timeout: PROBE_MS_MAX })
    const finish = (seen: Seen) => {
      socket.destroy()
      resolve(seen)
    }
    socket.once('connect', () => finish(verified(`${host}:${port} takes connections`)))
    socket.once('timeout', () => finish(failed(`${host}:${port} does not answer`)))
    socket.once('error', (error) => finish(failed(`${host}:${port}: ${error.message}`)))
  })
}

function isConfigured(targets: Context['world']['config']['targets'], host: string, port: number): boolean {
  return Object.values(targets).some((target) => {
    const text = target.type === 'process' ? target.health?.url : target.type === 'http' ? target.url : undefined
    if (text === undefined) return false
    const url = new URL(text)
    return (
      url.hostname.replace(/^\[|\]$/g, '') === host &&
      Number(url.port || (url.protocol === 'https:' ? 443 : 80)) === port
    )
  })
}

function parseJson(body: Buffer): Json | undefined {
  try {
    return JSON.parse(body.toString()) as Json
  } catch {
    return undefined
  }
}

/** @param path `a.b.0.c`, with or without a leading `$.` */
function valueAt(value: Json | undefined, path: string): Json | undefined {
  const steps = path
    .replace(/^\$\.?/, '')
    .split('.')
    .filter((step) => step !== '')
  let current: Json | undefined = value
  for (const step of steps) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, step)) return undefined
    current = (current as Record<string, Json>)[step]
  }
  return current
}
