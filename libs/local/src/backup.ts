/**
 * A backup of everything that Deed has promised and proven, made while it works.
 *
 * The streams come first and the database after them, in one snapshot for all services: a submission is in the stream, in
 * the database, or in both, where its key is the same. What undos need comes last, since it is kept before the database
 * knows of it.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { ConfigError } from '@deed/config/config-error'
import { ASK_RESTORE, restoreAdvice } from '@deed/config/unfinished-restore'
import { type BackupList, filesBelow, LIST, newList, SNAPSHOTS } from './backup-folder.ts'
import { latestSequences, readStreams } from './backup-streams.ts'
import { AS_TEXT, readTables } from './copy-tables.ts'
import { openStores, type StoresAt } from './open-stores.ts'

export interface BackupOptions extends StoresAt {
  /** It must not be there, or be empty. It appears whole. */
  folder: string
  /** Data folder of an executor, with what undos need; undefined: the backup has none of it. */
  executorData: string | undefined
  progress(step: string): void
}

/** @throws {ConfigError} for what has to be corrected */
export async function makeBackup({ folder, executorData, progress, ...at }: BackupOptions): Promise<BackupList> {
  const target = resolve(folder)
  if (existsSync(target) && readdirSync(target).length > 0)
    throw new ConfigError(`${target} is not empty; a backup is a folder of its own`)
  const draft = `${target}.partial`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { recursive: true, mode: 0o700 })
  await using stores = await openStores(at, false)
  const { client, bus, user } = stores
  const list = newList(releaseOfThis(), new Date())

  const streams = await readStreams(bus.nc, user, draft)
  progress(
    `${streams.length} streams, with ${streams.reduce((sum, { head }) => sum + head.state.messages, 0)} messages`,
  )
  await client.query(`begin isolation level repeatable read read only; ${AS_TEXT}`)
  // The first statement that reads takes the snapshot.
  const { rows } = await client.query<{ restore: string | null }>(ASK_RESTORE)
  if (rows[0]?.restore) throw new ConfigError(restoreAdvice(rows[0].restore))
  list.streams = await latestSequences(bus.nc, streams)
  Object.assign(list, await readTables(client, draft, progress))
  await client.query('commit')
  if (executorData !== undefined) list.snapshots = copySnapshots(join(executorData, SNAPSHOTS), join(draft, SNAPSHOTS))
  progress(
    list.snapshots ? `${list.snapshots.files} files for undos` : 'nothing for undos: no data of an executor is here',
  )

  writeFileSync(join(draft, LIST), `${JSON.stringify(list, null, 1)}\n`, { mode: 0o600, flush: true })
  rmSync(target, { recursive: true, force: true })
  renameSync(draft, target)
  return list
}

/** Files with a name of their contents; those that are there stay. */
export function copySnapshots(from: string, to: string): { files: number; bytes: number } {
  const files = filesBelow(from)
  let bytes = 0
  for (const file of files) {
    mkdirSync(join(to, dirname(file)), { recursive: true, mode: 0o700 })
    if (!existsSync(join(to, file))) {
      copyFileSync(join(from, file), join(to, `${file}.new`))
      renameSync(join(to, `${file}.new`), join(to, file))
    }
    bytes += statSync(join(to, file)).size
  }
  return { files: files.length, bytes }
}

const releaseOfThis = (): string =>
  (JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as { version: string }).version
