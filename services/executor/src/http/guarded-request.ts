/**
 * One HTTP request that reaches only what it may: the name is resolved once, the address is checked, and the connection
 * goes to the checked address; every redirect is a new request under the same rules. Sizes count after decompression.
 */
import { lookup } from 'node:dns'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import type { Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { DeedError } from '@deed/proto/errors'
import { isBlocked } from './blocked-addresses.ts'

const REDIRECTS_MAX = 5
export const BODY_BYTES_MAX = 5 * 1024 * 1024

export interface GuardedRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  /** Scheme, host and port that may be local: they are in the configuration. */
  readonly trustedOrigin?: string | undefined
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** The body is not read: the answer is complete with its headers. */
  readonly headersOnly?: true
  /** Called before the first byte goes out. */
  beforeSend?(): void
}

export interface GuardedAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  /** Where the answer came from, after redirects. */
  readonly url: string
  /** The addresses that it was redirected to, in their order. */
  readonly redirects: readonly string[]
}

/**
 * @throws {DeedError} `blocked_address`, `limit_exceeded`, `deadline_exceeded`, `unavailable`
 */
export async function guardedRequest(request: GuardedRequest): Promise<GuardedAnswer> {
  const deadline = AbortSignal.timeout(request.timeoutMs)
  const signal = AbortSignal.any([deadline, request.signal])
  let { url, method, body } = request
  let headers = request.headers
  const redirects: string[] = []
  try {
    for (;;) {
      const target = checkedUrl(url, request.trustedOrigin)
      request.beforeSend?.()
      const answer = await send({
        target,
        method,
        headers,
        body,
        trusted: request.trustedOrigin === target.origin,
        signal,
        headersOnly: request.headersOnly,
      })
      const { location } = answer.headers
      if (location === undefined || !REDIRECTS.has(answer.status)) return { ...answer, url: target.href, redirects }
      if (redirects.length === REDIRECTS_MAX)
        throw new DeedError('limit_exceeded', `more than ${REDIRECTS_MAX} redirects`)
      const next = new URL(location, target)
      // Credentials are for the one they were given for.
      if (next.origin !== target.origin) headers = withoutCredentials(headers)
      if (answer.status === 303 || (method === 'POST' && answer.status < 307)) [method, body] = ['GET', undefined]
      url = next.href
      redirects.push(url)
    }
  } catch (error) {
    if (error instanceof DeedError) throw error
    if (deadline.aborted) throw new DeedError('deadline_exceeded', `no answer within ${request.timeoutMs} ms`)
    if (request.signal.aborted) throw request.signal.reason
    const { code = '', message } = error as NodeJS.ErrnoException
    // Another attempt meets the same certificate.
    if (CERTIFICATE_ERROR.test(code)) throw new DeedError('effect_failed', `its certificate is not valid: ${message}`)
    if (NO_TLS.test(code)) throw new DeedError('effect_failed', `the server does not speak TLS: ${message}`)
    throw new DeedError('unavailable', `the request failed: ${message}`, { cause: error })
  }
}

/** Whether the server was not reached at all, so that nothing was sent to it. */
export function isUnreached(error: unknown): boolean {
  const cause = error instanceof DeedError ? (error.cause as NodeJS.ErrnoException | undefined) : undefined
  return cause?.code !== undefined && UNREACHED.has(cause.code)
}

const UNREACHED: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN', 'EADDRNOTAVAIL'],
  ...['ENOTFOUND', 'EAI_AGAIN'],
])

/** As OpenSSL and Node name them. */
const CERTIFICATE_ERROR = /CERT|ERR_TLS|UNABLE_TO_VERIFY|SELF_SIGNED/
/** It speaks another protocol than TLS. */
const NO_TLS = /^(?:EPROTO|ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG)$/

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** @throws {DeedError} `blocked_address`, `invalid_request` */
export function checkedUrl(text: string, trustedOrigin: string | undefined): URL {
  // The parser writes numbers such as 0x7f000001 and 2130706433 as the addresses they are.
  const url = URL.parse(text)
  if (!url) throw new DeedError('invalid_request', 'url is not a URL')
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new DeedError('blocked_address', `${url.protocol} is not allowed; use http: or https:`)
  if (url.username !== '' || url.password !== '')
    throw new DeedError('blocked_address', 'a URL with a user in it is not allowed; send credentials in a header')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const local = isIP(host) === 0 ? /(?:^|\.)localhost\.?$/.test(host) : isBlocked(host)
  if (url.origin !== trustedOrigin && local) throw blocked(host)
  return url
}

interface Sending {
  target: URL
  method: string
  headers: Readonly<Record<string, string>>
  body: string | undefined
  trusted: boolean
  signal: AbortSignal
  headersOnly: true | undefined
}

type Answered = Omit<GuardedAnswer, 'url' | 'redirects'>

function send({ target, method, headers, body, trusted, signal, headersOnly }: Sending): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const start = target.protocol === 'https:' ? httpsRequest : httpRequest
    const request: ClientRequest = start(target, {
      method,
      signal,
      agent: false,
      lookup: trusted ? lookup : checkedLookup(),
      headers: {
        'user-agent': 'deed',
        'accept-encoding': 'gzip, deflate, br',
        'cache-control': 'no-cache',
        ...headers,
      },
    })
    request.on('error', reject)
    request.on('response', (response) => {
      if (headersOnly) {
        request.destroy()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.alloc(0) })
        return
      }
      readBody(response).then(
        (bytes) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes }),
        (error: unknown) => {
          request.destroy()
          reject(error)
        },
      )
    })
    request.end(body)
  })
}

async function readBody(response: IncomingMessage): Promise<Buffer> {
  const decoder = decoderFor(response.headers['content-encoding'])
  const stream: Readable = decoder ? response.pipe(decoder) : response
  // pipe() hands on neither errors nor an end that came too early.
  if (decoder) response.on('error', (error) => decoder.destroy(error))
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream) {
    bytes += (chunk as Buffer).length
    if (bytes > BODY_BYTES_MAX)
      throw new DeedError('limit_exceeded', `the answer is larger than ${BODY_BYTES_MAX} bytes`)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

function decoderFor(encoding: string | undefined) {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip()
    case 'deflate':
      return createInflate()
    case 'br':
      return createBrotliDecompress()
    default:
      return undefined
  }
}

/**
 * Resolves and checks in one step: the connection goes to the very address that was checked, whatever the name resolves
 * to a moment later.
 *
 * @param resolve asked once for a connection
 */
export function checkedLookup(resolve: typeof lookup = lookup): LookupFunction {
  return (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, [])
      const bad = addresses.find(({ address }) => isBlocked(address))
      if (bad) return callback(blocked(`${host} (${bad.address})`), [])
      if (options.all) return callback(null, addresses)
      const first = addresses[0]
      return first ? callback(null, first.address, first.family) : callback(new Error(`${host} has no address`), [])
    })
  }
}

/** Any other header may be a credential under a name of its own. */
const HARMLESS: ReadonlySet<string> = new Set(['accept', 'accept-language', 'content-type', 'user-agent'])

function withoutCredentials(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => HARMLESS.has(name.toLowerCase())))
}

const blocked = (host: string) =>
  new DeedError('blocked_address', `${host} is a local or reserved address; name it as a target in execution.yaml`)
