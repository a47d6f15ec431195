/**
 * Puts a backup in place of what a mesh has stored.
 *
 * From its first change to its last commit the database has a mark, under which no service starts: what was killed half-way
 * is run again, from the beginning. The rows come in one transaction, which removes the mark.
 */
import { join, resolve } from 'node:path'
import { ConfigError } from '@deed/config/config-error'
import { ASK_RESTORE, RESTORE_SCHEMA } from '@deed/config/unfinished-restore'
import { ensureEventStreams } from '@deed/mesh/event-stream'
import pg from 'pg'
import { copySnapshots } from './backup.ts'
import { type BackupList, readList, SNAPSHOTS, verifyFiles } from './backup-folder.ts'
import { streamWithMessages, writeStreams } from './backup-streams.ts'
import { AS_TEXT, afterRestore, SCHEMAS, tableWithRows, writeTables } from './copy-tables.ts'
import { readDatabaseUrls } from './database-urls.ts'
import { openStores, type Stores, type StoresAt } from './open-stores.ts'
import { knownMigrations, migrate, passwordsIn } from './prepare.ts'
import { createRoles, keptPasswords, type RoleUrls, STORING, schemaOf } from './roles.ts'

export interface RestoreOptions extends StoresAt {
  folder: string
  /** As `createDatabaseUrls` makes it, for services that are deployed apart; undefined: as `deed up` enters the database. */
  databaseUrls: string | undefined
  executorData: string | undefined
  replicas: number
  /** Whatever the target holds is lost. */
  replace: boolean
  progress(step: string): void
}

/** Files as they were written, and tables that this release can bring up to date. Changes nothing. @throws {ConfigError} */
export async function checkBackup(folder: string): Promise<BackupList> {
  const list = readList(folder)
  await verifyFiles(folder, list)
  await Promise.all(
    STORING.map(async (service) => {
      const known = await knownMigrations(service)
      const later = (list.migrations[schemaOf(service)] ?? []).filter((name) => !known.includes(name))
      if (later.length > 0)
        throw new ConfigError(
          `the backup was made by release ${list.release}, which is newer: this release does not know the migrations ${later.join(', ')} of the ${service}; restore it with that release, or a newer one`,
        )
    }),
  )
  return list
}

/** @throws {ConfigError} for what has to be corrected, before anything is changed */
export async function restoreBackup(options: RestoreOptions): Promise<BackupList> {
  const { progress, executorData, databaseUrls } = options
  const folder = resolve(options.folder)
  const list = await checkBackup(folder)
  progress(`the backup of ${list.made_at} is whole`)
  await using stores = await openStores(options, true)
  const { client, bus, adminUrl } = stores
  await refuseUsed(stores, options)

  await client.query(`create schema if not exists ${RESTORE_SCHEMA}`)
  const about = `of ${list.made_at}, begun ${new Date().toISOString()}`
  await client.query(`comment on schema ${RESTORE_SCHEMA} is ${pg.escapeLiteral(about)}`)
  for (const schema of SCHEMAS) await client.query(`drop schema if exists ${pg.escapeIdentifier(schema)} cascade`)
  const passwords =
    databaseUrls === undefined ? keptPasswords(options.dataDir) : passwordsIn(readDatabaseUrls(databaseUrls))
  const urls: RoleUrls = await createRoles(adminUrl, passwords)
  for (const service of STORING)
    await migrate(service, urls.services[service], urls.owners[service], list.migrations[schemaOf(service)] ?? [])
  progress('roles, schemas and tables are made')

  if (list.snapshots && executorData !== undefined)
    copySnapshots(join(folder, SNAPSHOTS), join(executorData, SNAPSHOTS))
  progress(
    list.snapshots && executorData !== undefined ? `${list.snapshots.files} files for undos` : 'nothing for undos',
  )
  await writeStreams(bus.nc, folder, list.streams, options.replicas)
  await ensureEventStreams(bus.nc, options.replicas)
  progress(`${list.streams.length} streams`)

  await client.query(`begin; ${AS_TEXT}`)
  await writeTables(client, folder, list, progress)
  await afterRestore(client)
  await client.query(`drop schema ${RESTORE_SCHEMA}`)
  await client.query('commit')
  // Plans are made for tables of this size from the first query on.
  await client.query('analyze')
  return list
}

async function refuseUsed({ client, bus, alone }: Stores, { replace, dataDir }: RestoreOptions): Promise<void> {
  const { rows: connected } = await client.query<{ names: string | null }>(
    `select string_agg(distinct application_name, ', ') as names from pg_stat_activity
      where datname = current_database() and application_name like 'deed-%'`,
  )
  const users = connected[0]?.names
  if (users)
    throw new ConfigError(
      `services are at work on the database (${users}); stop them first${alone ? '' : `, such as with deed down, which ends a mesh of ${dataDir}`}`,
    )
  const { rows } = await client.query<{ restore: string | null }>(ASK_RESTORE)
  if (replace || rows[0]?.restore) return
  const used = (await tableWithRows(client)) ?? (await streamWithMessages(bus.nc))
  if (used) throw new ConfigError(`the target is not empty (${used}): --yes replaces all that it holds by the backup`)
}
