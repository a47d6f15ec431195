/** A backup as a folder: one compressed file for each table and stream, what an undo needs, and a list of all of it. */
import { createHash } from 'node:crypto'
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { constants, createGunzip, createGzip } from 'node:zlib'
import { ConfigError } from '@deed/config/config-error'
import { SnapshotHead } from '@deed/mesh/stream-snapshot'
import { z } from 'zod'

export const LIST = 'backup.json'
export const SNAPSHOTS = 'snapshots'
/** Of what is below: another one is refused. */
const FORMAT = 1

const StoredFile = z.object({ file: z.string().regex(/^[a-z]+\/[\w.-]+$/i), sha256: z.hex().length(64) })
const BackupList = z.object({
  format: z.literal(FORMAT, 'the backup is of another format; restore it with the release that made it'),
  release: z.string(),
  made_at: z.iso.datetime(),
  tables: z.array(
    StoredFile.extend({ schema: z.string(), table: z.string(), columns: z.array(z.string()), rows: z.int() }),
  ),
  /** The next value of each sequence is above this one. */
  sequences: z.array(z.object({ schema: z.string(), name: z.string(), last: z.string().regex(/^\d+$/) })),
  /** Those that made the tables of a schema. */
  migrations: z.record(z.string(), z.array(z.string())),
  streams: z.array(StoredFile.extend({ head: SnapshotHead, last_seq: z.int() })),
  /** The bytes that undos need, under their hashes; null where the backup does not have them. */
  snapshots: z.object({ files: z.int(), bytes: z.int() }).nullable(),
})
export type BackupList = z.output<typeof BackupList>

export const newList = (release: string, madeAt: Date): BackupList => ({
  format: FORMAT,
  release,
  made_at: madeAt.toISOString(),
  tables: [],
  sequences: [],
  migrations: {},
  streams: [],
  snapshots: null,
})

/** Compresses what `write` writes. @returns what the list says of the file */
export async function writeCompressed(
  folder: string,
  file: string,
  write: (to: PassThrough) => Promise<void>,
): Promise<{ file: string; sha256: string }> {
  mkdirSync(join(folder, file, '..'), { recursive: true, mode: 0o700 })
  const plain = new PassThrough()
  const hash = createHash('sha256')
  const written = pipeline(
    plain,
    createGzip({ level: constants.Z_BEST_SPEED }),
    async function* (parts: AsyncIterable<Buffer>) {
      for await (const part of parts) {
        hash.update(part)
        yield part
      }
    },
    createWriteStream(join(folder, file), { mode: 0o600, flush: true }),
  )
  const writing = write(plain).then(
    () => plain.end(),
    (error: Error) => plain.destroy(error),
  )
  await Promise.all([written, writing])
  return { file, sha256: hash.digest('hex') }
}

export function readCompressed(folder: string, file: string): Readable {
  const plain = createGunzip()
  // Reading to the end is what the caller waits for, and it fails with this error.
  pipeline(createReadStream(join(folder, file)), plain).catch(() => undefined)
  return plain
}

/** @throws {ConfigError} unless the folder is a whole backup of a format that this release knows */
export function readList(folder: string): BackupList {
  const file = join(folder, LIST)
  if (!existsSync(file))
    throw new ConfigError(`${folder} is no backup: it has no ${LIST}, which is written when a backup is whole`)
  const { data, error } = BackupList.safeParse(JSON.parse(readFileSync(file, 'utf8')))
  if (error) throw new ConfigError(`${file} cannot be used\n${z.prettifyError(error)}`)
  return data
}

/** Reads every file again. @throws {ConfigError} for the first that is not as it was written */
export async function verifyFiles(folder: string, list: BackupList): Promise<void> {
  for (const { file, sha256 } of [...list.tables, ...list.streams]) {
    const path = join(folder, file)
    if (!existsSync(path)) throw new ConfigError(`the backup is incomplete: ${path} is missing`)
    if ((await hashOf(path)) !== sha256)
      throw new ConfigError(`the backup is damaged: ${path} is not as it was written`)
  }
  if (!list.snapshots) return
  const found = filesBelow(join(folder, SNAPSHOTS))
  for (const path of found) {
    const name = path.slice(-65).replace(/[/\\]/, '')
    if ((await hashOf(join(folder, SNAPSHOTS, path))) !== name)
      throw new ConfigError(`the backup is damaged: ${join(folder, SNAPSHOTS, path)} is not as it was written`)
  }
  if (found.length < list.snapshots.files)
    throw new ConfigError(
      `the backup is incomplete: ${folder}/${SNAPSHOTS} has ${found.length} of ${list.snapshots.files} files`,
    )
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** Paths of the snapshots below the folder: the first two digits of a hash, and the others. */
export function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((part) => /^[0-9a-f]{2}$/.test(part) && statSync(join(folder, part)).isDirectory())
    .flatMap((part) =>
      readdirSync(join(folder, part))
        .filter((name) => /^[0-9a-f]{62}$/.test(name))
        .map((name) => join(part, name)),
    )
}
