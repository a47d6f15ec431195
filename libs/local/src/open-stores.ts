/** The servers of a mesh, to be read or written as a whole: those that are given, those that run, or embedded ones for the time. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ConfigError } from '@deed/config/config-error'
import { type Bus, connectBus } from '@deed/mesh/bus'
import type { BusAddress } from '@deed/mesh/connection'
import { createLogger } from '@deed/telemetry/logger'
import pg from 'pg'
import { runningMesh } from './connection-file.ts'
import { openDataFolder } from './data-folder.ts'
import { databaseUrlFault } from './given-servers.ts'
import { claimMesh } from './leftovers.ts'
import { startNats } from './nats.ts'
import { startPostgres } from './postgres.ts'

export interface StoresAt {
  dataDir: string
  /** Of a role that may do everything in the database; undefined: the embedded server's. */
  adminUrl: string | undefined
  /** As the user `bootstrap`; undefined: the embedded server. */
  nats: BusAddress | undefined
}

export interface Stores extends AsyncDisposable {
  readonly adminUrl: string
  readonly client: pg.Client
  readonly bus: Bus
  /** As whom the bus has entered. */
  readonly user: string
  /** Nobody else uses the embedded servers. */
  readonly alone: boolean
}

/**
 * @param make whether the data folder may be empty, and is filled
 * @throws {ConfigError} for what cannot be reached
 */
export async function openStores({ dataDir: folder, adminUrl, nats }: StoresAt, make: boolean): Promise<Stores> {
  const dataDir = resolve(folder)
  await using opened = new AsyncDisposableStack()
  const running = runningMesh(dataDir)
  const alone = running === undefined && (adminUrl === undefined || nats === undefined)
  if (alone) {
    if (!make && adminUrl === undefined && !existsSync(join(dataDir, 'postgres')))
      throw new ConfigError(
        `${dataDir} holds no data of a mesh; name it with --data-dir, or set DATABASE_URL and NATS_URL`,
      )
    openDataFolder(dataDir)
    opened.use(await claimMesh(dataDir))
  }
  const log = createLogger('deed', 2)
  log.level = 'warn'
  const url =
    adminUrl ??
    running?.database_url ??
    opened.use(await startPostgres({ dataDir: join(dataDir, 'postgres'), log })).url
  const client = new pg.Client({ connectionString: url, application_name: 'deed backup' })
  // A connection that breaks fails the statement as well.
  client.on('error', () => undefined)
  await client.connect().catch((error: unknown) => {
    throw databaseUrlFault(error, url)
  })
  opened.defer(() => client.end())
  const address = nats ? { service: 'bootstrap', ...nats } : await ownNats()
  const bus = opened.use(await connectBus(address))
  const all = opened.move()
  return { adminUrl: url, client, bus, user: address.service, alone, [Symbol.asyncDispose]: () => all.disposeAsync() }

  async function ownNats() {
    if (running) {
      const { nats_url, nats_user: user, nats_password: password } = running
      return { service: user ?? 'deed', url: nats_url, user, password }
    }
    const server = opened.use(
      await startNats({ dataDir: join(dataDir, 'nats'), binary: process.env.NATS_SERVER_BIN, log }),
    )
    const { pass } = server.credentials('bootstrap')
    return { service: 'bootstrap', url: server.url, user: 'bootstrap', password: pass }
  }
}
