/** The bus settings of a process, from its environment. */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { ConfigError } from '@deed/config/config-error'
import { certificateChange, codeOf, isUnreadable } from '@deed/config/server-fault'
import { defined } from '@deed/proto/json'
import type { Log } from '@deed/telemetry/logger'
import { type ConnectionOptions, connect, ErrorCode, type NatsConnection, NatsError, nkeyAuthenticator } from 'nats'
import { z } from 'zod'

const Path = z.string().min(1)

/** Spread into the schema of a service's environment. */
export const BusEnvironment = {
  /** One server, or several of a cluster, separated by commas. */
  NATS_URL: z.string().optional(),
  NATS_HOST: z.string().default('127.0.0.1'),
  NATS_PORT: z.coerce.number().int().min(1).max(65_535).default(4222),
  NATS_USER: z.string().optional(),
  NATS_PASSWORD: z.string().optional(),
  /** A file with the seed of an nkey, which logs in instead of user and password. */
  NATS_NKEY_FILE: Path.optional(),
  /** PEM files: the authorities of the server's certificate; the certificate of this client, and its key. */
  NATS_CA_FILE: Path.optional(),
  NATS_CERT_FILE: Path.optional(),
  NATS_KEY_FILE: Path.optional(),
  /** Refuse a server with another name: a client may reach a foreign server on a shared port. */
  NATS_SERVER_NAME: z.string().optional(),
}

export interface BusAddress {
  url: string
  user?: string | undefined
  password?: string | undefined
  nkeyFile?: string | undefined
  caFile?: string | undefined
  certFile?: string | undefined
  keyFile?: string | undefined
  serverName?: string | undefined
}

type Environment = { [Name in keyof typeof BusEnvironment]?: z.output<(typeof BusEnvironment)[Name]> | undefined }

export function busAddress(env: Environment): BusAddress {
  return {
    url: env.NATS_URL ?? `nats://${env.NATS_HOST}:${env.NATS_PORT}`,
    user: env.NATS_USER,
    password: env.NATS_PASSWORD,
    nkeyFile: env.NATS_NKEY_FILE,
    caFile: env.NATS_CA_FILE,
    certFile: env.NATS_CERT_FILE,
    keyFile: env.NATS_KEY_FILE,
    serverName: env.NATS_SERVER_NAME,
  }
}

/**
 * The servers, the login and the encryption of a connection. Files are read at each attempt to connect, so that they can
 * be replaced while the process runs.
 */
export function natsOptions({ url, user, password, nkeyFile, ...files }: BusAddress): ConnectionOptions {
  const servers = url.split(',').map((server) => server.trim())
  const { caFile, certFile, keyFile } = files
  const encrypted = caFile !== undefined || certFile !== undefined || servers.some((one) => one.startsWith('tls://'))
  return {
    servers,
    ...(nkeyFile === undefined
      ? defined({ user, pass: password })
      : { authenticator: nkeyAuthenticator(() => seedIn(nkeyFile)) }),
    ...(encrypted ? { tls: { ...defined({ caFile, certFile, keyFile }), ...hostOf(servers) } } : {}),
  }
}

/**
 * Connects, and waits for a server that is away.
 *
 * @throws {ConfigError} if waiting cannot help: a file is missing, a certificate does not fit, the login is refused
 */
export async function connectNats(address: BusAddress, options: ConnectionOptions, log: Log): Promise<NatsConnection> {
  const all = { ...natsOptions(address), ...options }
  try {
    return await connect({ ...all, maxReconnectAttempts: -1 })
  } catch (error) {
    const fault = connectionFault(error, address)
    if (fault !== undefined) throw new ConfigError(fault, { cause: error })
    // A server that asks for certificates closes the connection of a client that has none, without a word.
    const hint = address.caFile && !address.certFile ? '; if it asks for certificates, set NATS_CERT_FILE' : ''
    log.warn({ server: shown(address.url) }, `the NATS server does not answer yet${hint}`)
    return await connect({ ...all, maxReconnectAttempts: -1, waitOnFirstConnect: true })
  }
}

/** What to change, or undefined where the server may only be away. */
export function connectionFault(error: unknown, address: BusAddress): string | undefined {
  const server = `the NATS server at ${shown(address.url)}`
  const cause = error instanceof NatsError && error.chainedError ? error.chainedError : error
  const said = cause instanceof Error ? cause.message : String(cause)
  const code = codeOf(error)
  if (code === ErrorCode.AuthorizationViolation || code === ErrorCode.AuthenticationExpired) {
    if (address.nkeyFile !== undefined)
      return `${server} does not know the nkey of NATS_NKEY_FILE (${address.nkeyFile}); add its public key to the server's accounts`
    return `${server} does not let ${address.user ?? 'a client without a user'} in; correct NATS_USER and NATS_PASSWORD`
  }
  if (error instanceof Error && error.name === 'NKeysError')
    return `NATS_NKEY_FILE (${address.nkeyFile}) holds no seed of an nkey, which begins with SU: ${said}`
  if (code === ErrorCode.ServerOptionNotAvailable)
    return `${server} does not encrypt; configure tls there, or leave out NATS_CA_FILE, NATS_CERT_FILE and tls://`
  if (code === ErrorCode.Tls || isUnreadable(codeOf(cause)))
    return `a file for ${server} cannot be used (${said}); correct NATS_CA_FILE, NATS_CERT_FILE, NATS_KEY_FILE or NATS_NKEY_FILE`
  const change = certificateChange(codeOf(cause), { url: 'NATS_URL', ca: 'NATS_CA_FILE' })
  return change === undefined ? undefined : `the certificate of ${server} cannot be trusted (${said}); ${change}`
}

/** The client compares a certificate with "localhost" where the server is named by its address. */
function hostOf([server = '', ...others]: readonly string[]): { host?: string } {
  const host =
    URL.parse(server.includes('://') ? server : `nats://${server}`)?.hostname.replace(/^\[(.*)\]$/, '$1') ?? ''
  return others.length === 0 && isIP(host) !== 0 ? { host } : {}
}

/**
 * The servers of a value of NATS_URL without the login, and the login that the first of them with one has.
 *
 * @throws if one of them is not a URL
 */
export function serversOf(url: string): { servers: string; username?: string; password?: string } {
  const urls = url.split(',').map((server) => new URL(server.trim()))
  const login = urls.find(({ username }) => username !== '')
  const known = login && {
    username: decodeURIComponent(login.username),
    password: decodeURIComponent(login.password),
  }
  for (const one of urls) {
    one.username = ''
    one.password = ''
  }
  return { servers: urls.map(({ href }) => href).join(','), ...known }
}

const seedIn = (file: string): Uint8Array => new TextEncoder().encode(readFileSync(file, 'utf8').trim())

const shown = (url: string): string => url.replaceAll(/[^/,@]*@/g, '')
