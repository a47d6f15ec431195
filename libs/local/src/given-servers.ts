/**
 * Checks external servers before anything is started, so that an unreachable server or a missing permission is reported
 * at once, with what to change.
 */

import { ConfigError } from '@deed/config/config-error'
import { addressOf, codeOf, databaseFault, reasonOf } from '@deed/config/server-fault'
import { ASK_RESTORE, restoreAdvice } from '@deed/config/unfinished-restore'
import { serversOf } from '@deed/mesh/connection'
import { connect, NatsError } from 'nats'
import pg from 'pg'

const ANSWER_MS_MAX = 3_000
/** As documented in the README. */
const POSTGRES_MIN = 15
const NATS_PORT = 4222
const POSTGRES_PORT = 5432

/**
 * @param url the value of DATABASE_URL
 * @throws {ConfigError} if nobody answers there, or the role lacks the privileges to prepare the database
 */
export async function checkDatabase(url: string): Promise<void> {
  const parsed = URL.parse(url)
  if (!parsed || !/^postgres(ql)?:$/.test(parsed.protocol) || parsed.hostname === '')
    throw new ConfigError('DATABASE_URL is not a URL such as postgres://user:password@host:5432/database')
  const client = clientOf(url)
  // A connection that breaks meanwhile fails the query as well.
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<Rights>(RIGHTS)
    if (rows[0]) checkRights(rows[0], url)
  } catch (error) {
    throw databaseUrlFault(error, url)
  } finally {
    // An unresponsive server does not answer this either.
    client.end().catch(() => undefined)
  }
}

/** @throws {ConfigError} while the database holds a part of a backup */
export async function refuseUnfinishedRestore(url: string): Promise<void> {
  const client = clientOf(url)
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{ restore: string | null }>(ASK_RESTORE)
    if (rows[0]?.restore) throw new ConfigError(restoreAdvice(rows[0].restore))
  } finally {
    client.end().catch(() => undefined)
  }
}

/** @throws {ConfigError} if a certificate that the URL names cannot be read */
function clientOf(url: string): pg.Client {
  try {
    return new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: ANSWER_MS_MAX,
      query_timeout: ANSWER_MS_MAX,
    })
  } catch (error) {
    throw databaseUrlFault(error, url)
  }
}

interface Rights {
  role: string
  database: string
  version: number
  standby: boolean
  may_create_roles: boolean
  may_create_schemas: boolean
}

const RIGHTS = `
  select current_user as role, current_database() as database, pg_is_in_recovery() as standby,
    current_setting('server_version_num')::int / 10000 as version,
    rolsuper or rolcreaterole as may_create_roles,
    has_database_privilege(current_database(), 'CREATE') as may_create_schemas
  from pg_roles where rolname = current_user`

function checkRights(rights: Rights, url: string): void {
  const { role, database, version, standby } = rights
  const server = addressOf(url, POSTGRES_PORT)
  if (version < POSTGRES_MIN)
    throw new ConfigError(
      `DATABASE_URL: the PostgreSQL at ${server} is version ${version}; Deed needs ${POSTGRES_MIN} or newer`,
    )
  if (standby)
    throw new ConfigError(
      `DATABASE_URL: the PostgreSQL at ${server} is a standby, which is read-only; name the primary server`,
    )
  const missing = [
    ...(rights.may_create_roles ? [] : [`ALTER ROLE ${pg.escapeIdentifier(role)} CREATEROLE;`]),
    ...(rights.may_create_schemas
      ? []
      : [`GRANT CREATE ON DATABASE ${pg.escapeIdentifier(database)} TO ${pg.escapeIdentifier(role)};`]),
  ]
  if (missing.length > 0)
    throw new ConfigError(
      `DATABASE_URL: the role ${role} may not prepare the database ${database} at ${server}, where each service gets a role ` +
        `and a schema of its own. As a superuser there, run\n  ${missing.join('\n  ')}`,
    )
}

/** PostgreSQL's error, with its server and what to change. Other errors are returned unchanged. */
export function databaseUrlFault(error: unknown, url: string): unknown {
  if (!(error instanceof Error) || error instanceof ConfigError) return error
  const server = addressOf(url, POSTGRES_PORT)
  const said = reasonOf(error)
  const sentence =
    databaseFault(error, url) ??
    (/^[0-9A-Z]{5}$/.test(codeOf(error))
      ? `the PostgreSQL at ${server} refuses: ${said}`
      : `no PostgreSQL answers at ${server} (${said}); start it, or correct the address. Without DATABASE_URL, deed starts one itself`)
  return new ConfigError(`DATABASE_URL: ${sentence}`, { cause: error })
}

/**
 * @param url the value of NATS_URL: one server or several, with user and password if they require them
 * @throws {ConfigError} if nobody answers there, the login is refused, or JetStream is off
 */
export async function checkNats(url: string): Promise<void> {
  const { servers, username, password } = serversOf(url)
  const server = servers
    .split(',')
    .map((one) => addressOf(one, NATS_PORT))
    .join(', ')
  let info: { jetstream?: boolean } | undefined
  try {
    const nc = await connect({
      servers: servers.split(','),
      ...(username === undefined ? {} : { user: username, pass: password ?? '' }),
      reconnect: false,
      timeout: ANSWER_MS_MAX,
    })
    info = nc.info
    await nc.close()
  } catch (cause) {
    const refused = cause instanceof NatsError && /AUTH/i.test(cause.code)
    throw new ConfigError(
      refused
        ? `NATS_URL: the NATS server at ${server} does not let ${username === undefined ? 'somebody without a name' : `the user ${username}`} in; correct NATS_USER and NATS_PASSWORD, or the user in the URL`
        : `NATS_URL: no NATS server answers at ${server} (${reasonOf(cause)}); start it, or correct the address. Without NATS_URL, deed starts one itself`,
      { cause },
    )
  }
  if (info?.jetstream !== true)
    throw new ConfigError(
      `NATS_URL: JetStream is off at the NATS server ${server}; add \`jetstream { store_dir: "...", sync_interval: always }\` to its configuration`,
    )
}
