/** How the command finds a mesh and enters it: by the environment, else by what `deed up` left in its data folder. */
import { connect as connectSocket } from 'node:net'
import { CONNECTION_FILE, runningMesh } from '@deed/local/connection-file'
import { type Bus, connectBus } from '@deed/mesh/bus'
import { LOCAL, type Principal, PrincipalName } from '@deed/proto/ids'
import { defined } from '@deed/proto/json'
import { createLogger } from '@deed/telemetry/logger'
import { z } from 'zod'
import { deedCommand } from '../terminal/deed-command.ts'
import { UnreachableError, UsageError } from '../terminal/exit-code.ts'

const CONNECT_MS_MAX = 5_000
const NATS_PORT = 4222

export interface Address {
  nats_url: string
  nats_user?: string | undefined
  nats_password?: string | undefined
  nats_server_name?: string | undefined
  /** Paths of a seed of an nkey, and of certificates, as in the environment of a service. */
  nats_nkey_file?: string | undefined
  nats_ca_file?: string | undefined
  nats_cert_file?: string | undefined
  nats_key_file?: string | undefined
  /** Unknown for a mesh that is elsewhere. */
  database_url?: string | undefined
  /** Of the system account; unknown for a server that is elsewhere. */
  nats_system_login?: { user: string; pass: string } | undefined
  /** Passwords of the users with fewer rights. */
  users: Record<string, string>
  /** Where it is known from. */
  source: string
}

/** @throws {UnreachableError} where neither the environment nor the data folder knows of a mesh */
export function findMesh(env: NodeJS.ProcessEnv, dataDir: string): Address {
  if (env.NATS_URL) {
    const [first = '', ...others] = env.NATS_URL.split(',').map((text) => text.trim())
    const url = new URL(first.includes('://') ? first : `nats://${first}`)
    const { username, password } = url
    url.username = ''
    url.password = ''
    return {
      nats_url: [url.href, ...others].join(','),
      nats_user: env.NATS_USER ?? (username === '' ? undefined : decodeURIComponent(username)),
      nats_password: env.NATS_PASSWORD ?? (password === '' ? undefined : decodeURIComponent(password)),
      nats_server_name: env.NATS_SERVER_NAME,
      ...defined({
        nats_nkey_file: env.NATS_NKEY_FILE,
        nats_ca_file: env.NATS_CA_FILE,
        nats_cert_file: env.NATS_CERT_FILE,
        nats_key_file: env.NATS_KEY_FILE,
      }),
      database_url: env.DATABASE_URL,
      users: {},
      source: 'the environment',
    }
  }
  const running = runningMesh(dataDir)
  if (running) return { ...running, source: `${dataDir}/${CONNECTION_FILE}` }
  throw new UnreachableError(
    `no mesh runs on ${dataDir}\nStart one with \`${deedCommand('up --detach')}\`; one of another folder is found from within that folder, by --data-dir or by NATS_URL.`,
  )
}

/**
 * @param as whose name to act in: a user whose password the data folder has, or `<tenant>.<user>`
 * @throws {UnreachableError} when the server is not there, or does not let the command in
 */
export async function enterMesh(env: NodeJS.ProcessEnv, address: Address, as?: string): Promise<Bus> {
  const { nats_url: url, nats_server_name: serverName, users } = address
  const own = as === undefined ? undefined : users[as]
  const [user, password] = own === undefined ? [address.nats_user, address.nats_password] : [as, own]
  const named = own === undefined ? as : undefined
  // A service waits for a server that is away; a person at a terminal wants to know at once.
  await reach(url)
  const log = createLogger('deed', 2)
  log.level = env.LOG_LEVEL || 'silent'
  // The service's name is the user's, since that user may read below its inbox only.
  const entering = connectBus({
    service: user ?? 'deed',
    url,
    user,
    password,
    nkeyFile: own === undefined ? address.nats_nkey_file : undefined,
    caFile: address.nats_ca_file,
    certFile: address.nats_cert_file,
    keyFile: address.nats_key_file,
    serverName,
    log,
    ...(named === undefined ? {} : { principal: principalFrom(named) }),
  })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CONNECT_MS_MAX} ms`)), CONNECT_MS_MAX)
  })
  try {
    return await Promise.race([entering, late])
  } catch (cause) {
    throw new UnreachableError(`${shown(url)} does not let the command in: ${reason(cause)}`, { cause })
  } finally {
    clearTimeout(timer)
  }
}

/** @param text of `--as`. @throws {UsageError} unless it names a user, or a tenant and a user */
export function principalFrom(text: string): Principal {
  const [tenant, user, more] = text.includes('.') ? text.split('.') : [LOCAL.tenant, text]
  const { data } = z.object({ tenant: PrincipalName, user: PrincipalName }).safeParse({ tenant, user })
  if (data === undefined || more !== undefined) {
    throw new UsageError(`--as takes a user, or <tenant>.<user>, not ${JSON.stringify(text)}`)
  }
  return data
}

/** One of the servers is enough. */
async function reach(urls: string): Promise<void> {
  const faults: unknown[] = []
  for (const url of urls.split(',')) {
    try {
      return await reachOne(url)
    } catch (error) {
      faults.push(error)
    }
  }
  throw faults[0]
}

async function reachOne(url: string): Promise<void> {
  const { hostname, port } = new URL(url.includes('://') ? url : `nats://${url}`)
  const socket = connectSocket({ host: hostname, port: port === '' ? NATS_PORT : Number(port) })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.setTimeout(CONNECT_MS_MAX, () => reject(new Error('no answer')))
      socket.once('connect', () => resolve())
      socket.once('error', reject)
    })
  } catch (cause) {
    throw new UnreachableError(`no NATS server answers at ${shown(url)}: ${reason(cause)}`, { cause })
  } finally {
    socket.destroy()
  }
}

const shown = (urls: string): string => urls.replaceAll(/\w+:\/\//g, '').replaceAll('/', '')

/** The messages of an AggregateError are in its parts. */
function reason(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(reason).join(', ')
  return cause instanceof Error ? cause.message : String(cause)
}
