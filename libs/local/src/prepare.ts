/** Prepares servers for services that are deployed apart: roles, schemas and tables in PostgreSQL, streams in NATS. */

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { MODULE_EXTENSION } from '@deed/config/module-extension'
import { connectBus } from '@deed/mesh/bus'
import type { BusAddress } from '@deed/mesh/connection'
import { ensureEventStreams } from '@deed/mesh/event-stream'
import { ensureManifests } from '@deed/mesh/manifest-store'
import { ensureIntake } from '@deed/mesh/work-queue'
import { readDatabaseUrls } from './database-urls.ts'
import { checkDatabase, databaseUrlFault, refuseUnfinishedRestore } from './given-servers.ts'
import { createRoles, type RolePasswords, type RoleUrls, STORING } from './roles.ts'

const RELEASE = resolve(import.meta.dirname, '../../..')

export interface Preparation {
  /** The URL of a role that may create roles and schemas. Undefined: both are there. */
  adminUrl: string | undefined
  /** As `createDatabaseUrls` makes it. */
  databaseUrls: string
  /** As the user `bootstrap`. */
  nats: BusAddress
  tenants: readonly string[]
  /** Servers of a NATS cluster that keep each stream. */
  replicas: number
  progress(step: string): void
}

/**
 * May run again at any time, also while services run: what is there stays.
 *
 * @throws {ConfigError} for what has to be corrected
 */
export async function prepareServers(preparation: Preparation): Promise<void> {
  const { adminUrl, databaseUrls, nats, tenants, replicas, progress } = preparation
  const urls = readDatabaseUrls(databaseUrls)
  if (adminUrl !== undefined) {
    await checkDatabase(adminUrl)
    await refuseUnfinishedRestore(adminUrl)
    await createRoles(adminUrl, passwordsIn(urls)).catch((error: unknown) => {
      throw databaseUrlFault(error, adminUrl)
    })
    progress('the roles and schemas are there')
  }
  // One after another: a view of one service is read by the next.
  for (const service of STORING) {
    await migrate(service, urls.services[service], urls.owners[service])
    progress(`the tables of ${service} are up to date`)
  }
  await using bus = await connectBus({ service: 'bootstrap', ...nats })
  for (const tenant of tenants) await ensureIntake(bus.nc, tenant, replicas)
  await ensureManifests(bus.nc, replicas)
  await ensureEventStreams(bus.nc, replicas)
  progress(`the streams of ${tenants.join(', ')} are there`)
}

export function passwordsIn({ owners, services }: RoleUrls): RolePasswords {
  const passwords = (urls: RoleUrls['owners']) =>
    Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, decodeURIComponent(new URL(url).password)]))
  return { owners: passwords(owners), services: passwords(services) } as RolePasswords
}

/**
 * The migrations are the service's own. Their log goes to standard error.
 *
 * @param restored the migrations that made the tables of a backup: those alone run, while the database has the mark of a
 * restore. Undefined: all
 */
export async function migrate(service: string, url: string, ownerUrl: string, restored?: string[]): Promise<void> {
  const args = restored === undefined ? [] : ['--restore', restored.join(',')]
  const child = spawn(process.execPath, [migrationsOf(service), ...args], {
    env: { DATABASE_URL: url, DATABASE_OWNER_URL: ownerUrl, LOG_LEVEL: 'warn' },
    stdio: ['ignore', 2, 2],
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`the tables of ${service} cannot be brought up to date; the log above says why`)
}

/** The names of those that this release has. */
export async function knownMigrations(service: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [migrationsOf(service), '--list'], { env: {} })
  return stdout.trim().split('\n')
}

const migrationsOf = (service: string): string => resolve(RELEASE, `services/${service}/src/migrate${MODULE_EXTENSION}`)
